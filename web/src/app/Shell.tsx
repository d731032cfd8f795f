// What surrounds every view: navigation (a side bar, on phones a bar at the foot), connection, language and theme.
import type { ReactNode } from 'react';
import { connection, reconnect } from '@/api/events';
import { chooseLanguage, LANGUAGES, type Language, useLanguage, useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Icon, type IconName } from '@/ui/Icon';
import { Link, useLocation } from './router';
import styles from './Shell.module.css';
import { useStore } from './store';
import { chooseTheme, type ThemeChoice, theme } from './theme';

function Navigation() {
  const m = useMessages();
  const { path } = useLocation();
  const items: { to: string; label: string; short?: string; icon: IconName }[] = [
    { to: '/new', label: m.shell.newRender, short: m.shell.newRenderShort, icon: 'add' },
    { to: '/jobs', label: m.shell.jobs, icon: 'jobs' },
    { to: '/nodes', label: m.shell.nodes, icon: 'nodes' },
    { to: '/wallet', label: m.shell.wallet, icon: 'wallet' },
    { to: '/chain', label: m.shell.chain, icon: 'block' },
    { to: '/settings', label: m.shell.settings, icon: 'settings' },
  ];
  return (
    <nav aria-label={m.shell.navigation} className={styles.navigation}>
      {items.map((item) => {
        const current = path === item.to || path.startsWith(`${item.to}/`);
        return (
          <Link key={item.to} to={item.to} className={styles.item} aria-current={current ? 'page' : undefined}>
            <Icon name={item.icon} />
            <span className={styles.word} data-short={item.short}>
              {item.label}
            </span>
          </Link>
        );
      })}
    </nav>
  );
}

const NEXT_THEME: Record<ThemeChoice, ThemeChoice> = { system: 'light', light: 'dark', dark: 'system' };

function Preferences() {
  const m = useMessages();
  const choice = useStore(theme);
  const language = useLanguage();
  const words: Record<ThemeChoice, string> = {
    system: m.shell.themeSystem,
    light: m.shell.themeLight,
    dark: m.shell.themeDark,
  };
  const other: Language = language === 'en' ? 'zh' : 'en';
  return (
    <div className={styles.preferences}>
      <button
        type="button"
        className={styles.preference}
        title={`${m.shell.theme}: ${words[choice]}`}
        onClick={() => chooseTheme(NEXT_THEME[choice])}
      >
        <Icon name="sun" />
        <span className="visually-hidden">{m.shell.theme}: </span>
        <span className={styles.word}>{words[choice]}</span>
      </button>
      <button
        type="button"
        className={styles.preference}
        lang={other === 'zh' ? 'zh-CN' : 'en'}
        title={m.shell.language}
        onClick={() => void chooseLanguage(other)}
      >
        <span aria-hidden className={styles.glyph}>
          {other === 'zh' ? '文' : 'A'}
        </span>
        <span className={styles.word}>{LANGUAGES[other]}</span>
      </button>
    </div>
  );
}

function ConnectionMark() {
  const m = useMessages();
  const now = useStore(connection);
  const word = {
    live: m.shell.live,
    connecting: m.shell.connecting,
    offline: m.shell.offline,
    refused: m.shell.offline,
  }[now];
  return (
    <div className={styles.connection} data-state={now} role="status" title={word}>
      <span className={styles.dot} aria-hidden />
      <span className={styles.word}>{word}</span>
    </div>
  );
}

function OfflineBar() {
  const m = useMessages();
  const now = useStore(connection);
  if (now !== 'offline' && now !== 'refused') return null;
  return (
    <div className={styles.offline} role="status">
      <Icon name="offline" />
      <span>{now === 'offline' ? m.shell.offlineDetail : m.shell.refusedDetail}</span>
      <Button kind="quiet" onClick={reconnect}>
        {m.shell.reconnect}
      </Button>
    </div>
  );
}

export function Shell({ children }: { children: ReactNode }) {
  const m = useMessages();
  return (
    <div className={styles.shell}>
      <button type="button" className={styles.skip} onClick={() => document.getElementById('content')?.focus()}>
        {m.common.skipToContent}
      </button>
      <header className={styles.side}>
        <Link to="/jobs" className={styles.brand}>
          <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
            <g fill="currentColor">
              <path d="M2 2h7v7H2zM11 11h7v7h-7z" />
              <path d="M2 11h7v7H2z" opacity=".4" />
            </g>
            <path d="M11 2h7v7h-7z" fill="var(--accent)" />
          </svg>
          <span className={styles.word}>{m.shell.product}</span>
        </Link>
        <Navigation />
        <div className={styles.foot}>
          <Preferences />
          <ConnectionMark />
        </div>
      </header>
      <main id="content" tabIndex={-1} className={styles.content}>
        <OfflineBar />
        {children}
      </main>
    </div>
  );
}
