// Makes an access token: name, what it may do, how long. The token itself is shown once, here.
import { type FormEvent, useState } from 'react';
import { api } from '@/api/client';
import { type Failure, toFailure } from '@/api/problem';
import { invalidate } from '@/api/resource';
import type { Scope } from '@/api/types';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { CopyLine } from '@/ui/Copy';
import { Dialog } from '@/ui/Dialog';
import { Checkbox, Field, Input, Select } from '@/ui/Field';
import { ProblemNote } from '@/ui/Notes';
import styles from './SettingsView.module.css';

const SCOPES: Scope[] = ['read', 'jobs', 'spend', 'node', 'tokens', 'paths'];
const DAY_S = 86_400;
/** In days; 0 is without an end. */
const LIFETIMES = [1, 7, 30, 90, 365, 0];

export function NewTokenDialog({ onClose }: { onClose: () => void }) {
  const m = useMessages();
  const s = m.settings;
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly Scope[]>(['read']);
  const [days, setDays] = useState(30);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [made, setMade] = useState<string | null>(null);

  const create = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const wanted = { name: name.trim(), scopes: [...scopes], ...(days > 0 && { expires_in_s: days * DAY_S }) };
      const { token } = await api.createToken(wanted);
      setMade(token);
      invalidate('tokens');
    } catch (error) {
      setFailure(toFailure(error));
    } finally {
      setBusy(false);
    }
  };
  if (made) {
    return (
      <Dialog
        title={s.tokenMade}
        onClose={onClose}
        actions={
          <Button kind="primary" onClick={onClose}>
            {s.haveIt}
          </Button>
        }
      >
        <p>{s.shownOnce}</p>
        <CopyLine text={made} what={s.token} />
      </Dialog>
    );
  }
  const toggle = (scope: Scope) =>
    setScopes((old) => (old.includes(scope) ? old.filter((each) => each !== scope) : [...old, scope]));
  return (
    <Dialog
      title={s.newToken}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{m.common.cancel}</Button>
          <Button
            kind="primary"
            type="submit"
            form="new-token"
            busy={busy}
            disabled={!name.trim() || scopes.length === 0}
          >
            {s.create}
          </Button>
        </>
      }
    >
      <form id="new-token" className={styles.form} onSubmit={create}>
        <Field label={s.tokenName} hint={s.tokenNameHint}>
          {(ids) => <Input {...ids} value={name} maxLength={100} onChange={(event) => setName(event.target.value)} />}
        </Field>
        <fieldset className={styles.choices}>
          <legend>{s.scopes}</legend>
          {SCOPES.map((scope) => (
            <Checkbox
              key={scope}
              label={s.scope[scope]}
              hint={s.scopeHint[scope]}
              checked={scopes.includes(scope)}
              onChange={() => toggle(scope)}
            />
          ))}
        </fieldset>
        <Field label={s.lifetime}>
          {(ids) => (
            <Select {...ids} value={days} onChange={(event) => setDays(Number(event.target.value))}>
              {LIFETIMES.map((each) => (
                <option key={each} value={each}>
                  {each === 0 ? s.noExpiry : s.days(each)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {failure && <ProblemNote failure={failure} />}
      </form>
    </Dialog>
  );
}
