// Makes an access token: name, what it may do, how long. The token itself is shown once, here.
import { useState } from 'react';
import { api } from '@/api/client';
import type { Scope } from '@/api/types';
import { useMessages } from '@/i18n';
import { Checkbox, Field, Input, Select } from '@/ui/Field';
import { SecretDialog } from './SecretDialog';
import styles from './SettingsView.module.css';

const SCOPES: Scope[] = ['read', 'jobs', 'spend', 'node', 'tokens', 'paths'];
const DAY_S = 86_400;
/** In days; 0 is without an end. */
const LIFETIMES = [1, 7, 30, 90, 365, 0];

export function NewTokenDialog({ onClose }: { onClose: () => void }) {
  const s = useMessages().settings;
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly Scope[]>(['read']);
  const [days, setDays] = useState(30);
  const make = async () => {
    const wanted = { name: name.trim(), scopes: [...scopes], ...(days > 0 && { expires_in_s: days * DAY_S }) };
    return (await api.createToken(wanted)).token;
  };
  const toggle = (scope: Scope) =>
    setScopes((old) => (old.includes(scope) ? old.filter((each) => each !== scope) : [...old, scope]));
  return (
    <SecretDialog
      resource="tokens"
      title={s.newToken}
      submit={s.create}
      valid={name.trim() !== '' && scopes.length > 0}
      make={make}
      made={{ title: s.tokenMade, text: s.shownOnce, secret: s.token }}
      onClose={onClose}
    >
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
    </SecretDialog>
  );
}
