// The frame of an ordinary view: its title, what one can do there, and the content. Also sets the tab's title.
import { type ReactNode, useEffect } from 'react';
import { useMessages } from '@/i18n';
import styles from './Page.module.css';

interface Props {
  title: string;
  /** A line under the title. */
  note?: ReactNode;
  actions?: ReactNode;
  /** Text is easier to read in a narrow column: settings, forms. */
  narrow?: boolean;
  children: ReactNode;
}

export function useTitle(title: string): void {
  const m = useMessages();
  useEffect(() => {
    document.title = title ? `${title} · ${m.shell.product}` : m.shell.product;
  }, [title, m]);
}

export function Page({ title, note, actions, narrow = false, children }: Props) {
  useTitle(title);
  return (
    <div className={styles.page} data-narrow={narrow || undefined}>
      <header className={styles.head}>
        <div className={styles.words}>
          <h1>{title}</h1>
          {note && <div className={styles.note}>{note}</div>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** A titled block within a page. */
export function Section({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className={styles.section}>
      <header className={styles.sectionHead}>
        <h2>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  );
}
