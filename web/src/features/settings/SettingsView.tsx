// How the studio looks here, what this node is and asks for, who else may use it, and the way out.
import { signOut } from '@/app/session';
import { useMessages } from '@/i18n';
import { Button, ButtonLink } from '@/ui/Button';
import { Page, Section } from '@/ui/Page';
import { Appearance } from './Appearance';
import { NodePanel } from './NodePanel';
import styles from './SettingsView.module.css';
import { TokensPanel } from './TokensPanel';
import { WebhooksPanel } from './WebhooksPanel';

export default function SettingsView() {
  const m = useMessages();
  const s = m.settings;
  return (
    <Page title={m.shell.settings} narrow>
      <Section title={s.appearance}>
        <div className={styles.body}>
          <Appearance />
        </div>
      </Section>
      <NodePanel />
      <TokensPanel />
      <WebhooksPanel />
      <Section title={s.session}>
        <div className={styles.body}>
          <p className={styles.hint}>{s.signOutHint}</p>
          <div className={styles.buttons}>
            <Button onClick={signOut}>{m.shell.signOut}</Button>
            <ButtonLink kind="quiet" to="/first-run">
              {s.firstRun}
            </ButtonLink>
          </div>
        </div>
      </Section>
    </Page>
  );
}
