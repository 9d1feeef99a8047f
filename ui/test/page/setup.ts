/* Runs the demo into a temporary home, then a server on that home and one on an empty home. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');
const program = join(root, 'build/tidemill');
const READY_MS = 20_000;

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.on('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address && typeof address === 'object' ? done(address.port) : failed(new Error('no port'))));
    });
  });
}

class Server {
  private said = '';
  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
  ) {
    const keep = (data: Buffer) => (this.said = (this.said + data.toString()).slice(-4000));
    process.stdout?.on('data', keep);
    process.stderr?.on('data', keep);
  }

  static async start(home: string): Promise<Server> {
    const port = await freePort();
    const child = spawn(program, ['server', '--home', home, '--port', String(port)], { stdio: ['ignore', 'pipe', 'pipe'] });
    const server = new Server(child, `http://127.0.0.1:${port}`);
    const end = Date.now() + READY_MS;
    for (;;) {
      const ready = await fetch(`${server.url}/ready`).then((answer) => answer.ok, () => false);
      if (ready) return server;
      if (child.exitCode !== null || Date.now() > end) throw new Error(`tidemill server on ${home} is not ready:\n${server.said}`);
      await new Promise((later) => setTimeout(later, 20));
    }
  }

  stop(): Promise<void> {
    return new Promise((done, failed) => {
      this.process.on('exit', (code) => (code === 0 ? done() : failed(new Error(`tidemill server ended with ${code}:\n${this.said}`))));
      this.process.kill('SIGTERM');
    });
  }
}

export default async function setUp(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-page-'));
  const full = join(folder, 'demo');
  execFileSync(program, ['demo', '--home', full, '--bundle', join(root, 'examples/nyc_taxi'), '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const servers = [await Server.start(full), await Server.start(join(folder, 'empty'))];
  process.env['TIDEMILL_URL'] = servers[0]?.url;
  process.env['TIDEMILL_EMPTY_URL'] = servers[1]?.url;
  return async () => {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(folder, { recursive: true });
  };
}
