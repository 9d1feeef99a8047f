/* The page in Debian's Chromium, against the built program on a home that the demo filled. */
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'test/page',
  outputDir: '../build/ui/playwright',
  globalSetup: './test/page/setup.ts',
  forbidOnly: true,
  workers: 2,
  fullyParallel: true,
  timeout: 60_000, // generous, since other tests may have the machine
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 850 },
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: {
      executablePath: '/usr/bin/chromium',
      args: [
        '--no-sandbox', // tests also run as root
        '--disable-dev-shm-usage', // and where /dev/shm is small or missing
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
