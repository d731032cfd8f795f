// Access tokens: who may use this node, for what, until when. Taking one away asks first.
import { useState } from 'react';
import { api } from '@/api/client';
import { invalidate, useResource } from '@/api/resource';
import type { TokenView } from '@/api/types';
import { useMessages } from '@/i18n';
import { Button, IconButton } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import { Section } from '@/ui/Page';
import { toast, toastFailure } from '@/ui/Toast';
import { Ago, Moment } from '@/ui/Values';
import { NewTokenDialog } from './NewTokenDialog';
import styles from './SettingsView.module.css';

function RevokeDialog({ token, onClose }: { token: TokenView; onClose: () => void }) {
  const m = useMessages();
  const s = m.settings;
  const [busy, setBusy] = useState(false);
  const revoke = async () => {
    setBusy(true);
    try {
      await api.deleteToken(token.id);
      invalidate('tokens');
      toast(s.revoked);
      onClose();
    } catch (error) {
      toastFailure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={s.revokeTitle(token.name)}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{m.common.cancel}</Button>
          <Button kind="danger" busy={busy} onClick={revoke}>
            {s.revoke}
          </Button>
        </>
      }
    >
      <p>{s.revokeText}</p>
    </Dialog>
  );
}

export function TokensPanel() {
  const m = useMessages();
  const s = m.settings;
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<TokenView | null>(null);
  const { data, failure, reload } = useResource('tokens', (signal) => api.tokens({ signal }));
  return (
    <Section
      title={s.tokens}
      actions={
        <Button kind="quiet" icon="add" onClick={() => setCreating(true)}>
          {s.newToken}
        </Button>
      }
    >
      <div className={styles.body}>
        <p className={styles.hint}>{s.tokensHint}</p>
        {failure && <ProblemNote failure={failure} onRetry={reload} />}
        {!data && !failure && <Skeleton lines={3} height={40} />}
        {data?.items.length === 0 && <p>{s.noTokens}</p>}
      </div>
      {data && data.items.length > 0 && (
        <ul className={styles.items}>
          {data.items.map((token) => (
            <li key={token.id} className={styles.item}>
              <span className={styles.words}>
                <strong>{token.name}</strong>
                <span className={styles.about}>
                  <span>{token.scopes.join(', ')}</span>
                  <span>
                    {token.last_used_at ? (
                      <>
                        {s.used} <Ago at={token.last_used_at} />
                      </>
                    ) : (
                      s.neverUsed
                    )}
                  </span>
                  <span>
                    {token.expires_at ? (
                      <>
                        {s.expires} <Moment at={token.expires_at} />
                      </>
                    ) : (
                      s.noExpiry
                    )}
                  </span>
                </span>
              </span>
              <IconButton icon="close" label={`${s.revoke}: ${token.name}`} onClick={() => setRevoking(token)} />
            </li>
          ))}
        </ul>
      )}
      {creating && <NewTokenDialog onClose={() => setCreating(false)} />}
      {revoking && <RevokeDialog token={revoking} onClose={() => setRevoking(null)} />}
    </Section>
  );
}
