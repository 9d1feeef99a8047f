import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/kit.css';
import { render } from 'preact';
import { Shell } from './app/shell.tsx';
import { applyTheme } from './app/theme.ts';

applyTheme();
const root = document.getElementById('app');
if (root) render(<Shell />, root);
