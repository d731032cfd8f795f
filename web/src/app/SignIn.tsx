// Without a token there is nothing to see: how to get one, and a field to paste it.
import { type FormEvent, useState } from 'react';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Field, Input } from '@/ui/Field';
import styles from './SignIn.module.css';
import { signIn } from './session';

export function SignIn({ refused }: { refused: boolean }) {
  const m = useMessages();
  const [token, setToken] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // People paste the whole address as often as the token itself.
    const bare = token.includes('token=') ? (token.split('token=')[1]?.split('&')[0] ?? '') : token;
    if (bare.trim()) signIn(bare);
  };
  return (
    <main className={styles.page}>
      <form className={styles.card} onSubmit={submit}>
        <h1>{m.signIn.title}</h1>
        <p>{m.signIn.how}</p>
        <code className={styles.command}>rayswarm studio</code>
        <p>{m.signIn.orPaste}</p>
        <Field label={m.signIn.token} hint={m.signIn.why} error={refused && !token ? m.signIn.refused : null}>
          {(ids) => (
            <Input
              {...ids}
              type="password"
              name="token"
              value={token}
              onChange={(event) => setToken(event.target.value)}
            />
          )}
        </Field>
        <Button kind="primary" type="submit" disabled={!token.trim()}>
          {m.signIn.submit}
        </Button>
      </form>
    </main>
  );
}
