// Access tokens: who may use this node, for what, until when. Taking one away asks first.
import { api } from '@/api/client';
import type { TokenView } from '@/api/types';
import { useMessages } from '@/i18n';
import { Ago, Moment } from '@/ui/Values';
import { KeptList } from './KeptList';
import { NewTokenDialog } from './NewTokenDialog';
import styles from './SettingsView.module.css';

function About({ token }: { token: TokenView }) {
  const s = useMessages().settings;
  return (
    <>
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
    </>
  );
}

export function TokensPanel() {
  const s = useMessages().settings;
  return (
    <KeptList
      resource="tokens"
      read={api.tokens}
      title={s.tokens}
      hint={s.tokensHint}
      none={s.noTokens}
      add={s.newToken}
      adding={(onClose) => <NewTokenDialog onClose={onClose} />}
      linesExpected={3}
      about={(token) => <About token={token} />}
      removal={{
        label: s.revoke,
        nameOf: (token) => token.name,
        title: (token) => s.revokeTitle(token.name),
        question: () => <p>{s.revokeText}</p>,
        call: api.deleteToken,
        done: s.revoked,
      }}
    />
  );
}
