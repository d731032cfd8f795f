// The chain behind the money: how high it is, who makes it, its newest blocks as they come.
import { type FormEvent, useEffect, useState } from 'react';
import { api } from '@/api/client';
import { onEvent } from '@/api/events';
import { invalidate, useResource } from '@/api/resource';
import type { ChainView as Chain } from '@/api/types';
import { navigate, useLocation } from '@/app/router';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { CopyButton } from '@/ui/Copy';
import { Field, Input } from '@/ui/Field';
import { Figures } from '@/ui/Figures';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import { Page, Section } from '@/ui/Page';
import { type Column, Table } from '@/ui/Table';
import { toastFailure } from '@/ui/Toast';
import { Count, Id, Span } from '@/ui/Values';
import { Blocks } from './Blocks';
import styles from './ChainView.module.css';
import { findOnChain, readWanted } from './lookUp';

type Validator = Chain['validators'][number];

function LookUp() {
  const m = useMessages();
  const c = m.chain;
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const find = async (event: FormEvent) => {
    event.preventDefault();
    const wanted = readWanted(text);
    if (!wanted) {
      setError(c.findHow);
      return;
    }
    setBusy(true);
    try {
      const address = await findOnChain(wanted);
      if (address) navigate(address);
      else setError(c.findNothing);
    } catch (failure) {
      toastFailure(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className={styles.find} onSubmit={find}>
      <Field label={c.find} hideLabel error={error}>
        {(ids) => (
          <Input
            {...ids}
            type="search"
            placeholder={c.find}
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setError(null);
            }}
          />
        )}
      </Field>
      <Button type="submit" icon="search" busy={busy} disabled={!text.trim()}>
        {c.go}
      </Button>
    </form>
  );
}

function Validators({ validators }: { validators: readonly Validator[] }) {
  const m = useMessages();
  const c = m.chain;
  const columns: Column<Validator>[] = [
    {
      key: 'account',
      head: c.account,
      cell: (validator) => (
        <span className={styles.named}>
          <Id id={validator.account} />
          <CopyButton text={validator.account} what={c.account} />
        </span>
      ),
    },
    { key: 'weight', head: c.weight, numeric: true, cell: (validator) => validator.weight },
    { key: 'blocks', head: c.blocksMade, numeric: true, cell: (validator) => <Count value={validator.blocks} /> },
  ];
  return (
    <Section title={c.validators}>
      {validators.length === 0 ? (
        <p className={styles.hint}>{c.noValidators}</p>
      ) : (
        <Table caption={c.validators} columns={columns} rows={validators} rowKey={(validator) => validator.account} />
      )}
    </Section>
  );
}

export default function ChainView() {
  const m = useMessages();
  const c = m.chain;
  const { query } = useLocation();
  const { data, failure, reload } = useResource('chain', (signal) => api.chain({ signal }));
  useEffect(
    () =>
      onEvent('block', () => {
        invalidate('chain');
        invalidate('chain/blocks/newest');
      }),
    [],
  );
  const asked = Number(query.get('before'));
  const before = Number.isSafeInteger(asked) && asked > 0 ? asked : null;
  return (
    <Page title={m.shell.chain} actions={<LookUp />}>
      {failure && <ProblemNote failure={failure} onRetry={reload} />}
      {!data && !failure && (
        <>
          <Skeleton height={52} />
          <Skeleton height={140} />
        </>
      )}
      {data && (
        <>
          <Figures
            figures={[
              [c.height, <Count key="height" value={data.height} />],
              [c.finalized, <Count key="finalized" value={data.finalized} />],
              [c.blockTime, <Span key="time" seconds={data.block_time_s} />],
              [c.consensus, c.consensusNames[data.consensus]],
              [c.chainId, String(data.chain_id)],
            ]}
          />
          <p className={styles.note}>{c.consensusHint[data.consensus]}</p>
          <Validators validators={data.validators} />
          <Blocks before={before} height={data.height} />
        </>
      )}
    </Page>
  );
}
