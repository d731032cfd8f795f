// Where the studio starts: theme and language before the first paint, then React, then the event stream.
import './styles/tokens.css';
import './styles/base.css';
import { createRoot } from 'react-dom/client';
import { startEvents } from './api/events';
import { App } from './app/App';
import { startTheme } from './app/theme';
import { startToken } from './app/token';
import { startLanguage } from './i18n';

startTheme();
await startLanguage();
createRoot(document.getElementById('root')!).render(<App />);
startEvents();
startToken();
