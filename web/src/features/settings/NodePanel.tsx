// This node: what it is, what it may use, and what it asks for its work.
import { type FormEvent, useState } from 'react';
import { api } from '@/api/client';
import { invalidate, replace, useResource } from '@/api/resource';
import type { NodeView } from '@/api/types';
import { useToken } from '@/app/token';
import { useMessages } from '@/i18n';
import { parseAmount } from '@/i18n/format';
import { Button } from '@/ui/Button';
import { CopyButton } from '@/ui/Copy';
import { Facts } from '@/ui/Facts';
import { Field, Input } from '@/ui/Field';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import { Section } from '@/ui/Page';
import { toast, toastFailure } from '@/ui/Toast';
import { Bytes, Count, Id, Money, Span } from '@/ui/Values';
import styles from './SettingsView.module.css';

function Price({ current }: { current: string | null }) {
  const m = useMessages();
  const s = m.settings;
  const token = useToken();
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const amount = parseAmount(text, token.decimals);
  const wrong = text.trim() !== '' && amount === null;
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (amount === null) return;
    setBusy(true);
    try {
      const changed = await api.patchNode({ price_per_wu_hour: amount });
      replace<NodeView>('node', () => changed);
      invalidate('providers');
      setText('');
      toast(m.common.saved);
    } catch (error) {
      toastFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className={styles.price} onSubmit={save}>
      <Field
        label={s.newPrice}
        error={wrong ? s.priceWrong : null}
        hint={
          <>
            {s.priceNow}: {current === null ? m.common.none : <Money amount={current} />}. {s.priceHint}
          </>
        }
      >
        {(ids) => (
          <Input
            {...ids}
            inputMode="decimal"
            unit={token.symbol}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" busy={busy} disabled={amount === null}>
        {m.common.save}
      </Button>
    </form>
  );
}

export function NodePanel() {
  const m = useMessages();
  const s = m.settings;
  const { data, failure, reload } = useResource('node', (signal) => api.node({ signal }));
  return (
    <Section title={s.node}>
      <div className={styles.body}>
        {failure && <ProblemNote failure={failure} onRetry={reload} />}
        {!data && !failure && <Skeleton height={530} />}
        {data && (
          <>
            <Facts
              facts={[
                [
                  s.id,
                  <span key="id" className={styles.valued}>
                    <Id id={data.id} />
                    <CopyButton text={data.id} what={s.id} />
                  </span>,
                ],
                [s.version, data.version],
                [s.uptime, <Span key="uptime" seconds={data.uptime_s} />],
                [s.activeJobs, <Count key="jobs" value={data.active_jobs} />],
                [s.engines, data.engines.map(({ name, version }) => `${name} ${version}`).join(', ') || m.common.none],
                [s.sandbox, data.sandbox],
                [s.address, <code key="http">{data.settings.http}</code>],
                [s.reach, data.loopback ? s.loopback : s.network],
                [s.chain, <code key="rpc">{data.rpc}</code>],
                [s.provides, data.provides ? (data.provider_paused ? m.state.paused : m.common.yes) : m.common.no],
                data.settings.threads != null && [
                  m.nodes.sort.threads,
                  <Count key="threads" value={data.settings.threads} />,
                ],
                data.settings.memory_bytes != null && [
                  m.nodes.sort.memory,
                  <Bytes key="memory" bytes={data.settings.memory_bytes} />,
                ],
                [s.cache, <Bytes key="cache" bytes={data.settings.cache_bytes} />],
              ]}
            />
            {data.provides && <Price current={data.settings.price_per_wu_hour ?? null} />}
          </>
        )}
      </div>
    </Section>
  );
}
