// What this node owns and owes: balances, what is locked in jobs, the contracts behind it, vouchers, and all movements.
import { useEffect, useState } from 'react';
import { api } from '@/api/client';
import { onEvent } from '@/api/events';
import { invalidate, replace, useResource } from '@/api/resource';
import type { Wallet } from '@/api/types';
import { Link } from '@/app/router';
import { useLanguage, useMessages } from '@/i18n';
import { formatAmount } from '@/i18n/format';
import { Button } from '@/ui/Button';
import { CopyButton } from '@/ui/Copy';
import { Facts } from '@/ui/Facts';
import { Figures } from '@/ui/Figures';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import { Page, Section } from '@/ui/Page';
import { type Column, Table } from '@/ui/Table';
import { toast, toastFailure } from '@/ui/Toast';
import { Id, Moment, Money } from '@/ui/Values';
import { History } from './History';
import styles from './WalletView.module.css';

/** Fees are paid in the chain's own coin, which has 18 decimals on every chain of this kind. */
const NATIVE_DECIMALS = 18;

type Voucher = Wallet['vouchers'][number];

function Native({ amount }: { amount: string }) {
  const m = useMessages();
  const language = useLanguage();
  return (
    <span>
      {formatAmount(amount, NATIVE_DECIMALS, language)} <span className={styles.unit}>{m.wallet.coin}</span>
    </span>
  );
}

function Address({ address, what }: { address: string; what: string }) {
  return (
    <span className={styles.address}>
      <code>{address}</code>
      <CopyButton text={address} what={what} />
    </span>
  );
}

function Vouchers({ vouchers }: { vouchers: readonly Voucher[] }) {
  const m = useMessages();
  const w = m.wallet;
  const columns: Column<Voucher>[] = [
    {
      key: 'job',
      head: w.job,
      cell: (voucher) => (
        <Link to={`/jobs/${voucher.job}`}>
          <Id id={voucher.job} />
        </Link>
      ),
    },
    { key: 'amount', head: w.amount, numeric: true, cell: (voucher) => <Money amount={voucher.cumulative} /> },
    { key: 'deadline', head: w.deadline, numeric: true, cell: (voucher) => <Moment at={voucher.deadline} /> },
  ];
  return (
    <Section title={w.vouchers}>
      <p className={styles.hint}>{vouchers.length === 0 ? w.noVouchers : w.vouchersHint}</p>
      {vouchers.length > 0 && (
        <Table caption={w.vouchers} columns={columns} rows={vouchers} rowKey={(voucher) => voucher.job} />
      )}
    </Section>
  );
}

function Faucet() {
  const m = useMessages();
  const [busy, setBusy] = useState(false);
  const ask = async () => {
    setBusy(true);
    try {
      const wallet = await api.faucet();
      replace<Wallet>('wallet', () => wallet);
      toast(m.wallet.faucetDone);
    } catch (error) {
      toastFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button icon="add" busy={busy} title={m.wallet.faucetHint} onClick={ask}>
      {m.wallet.faucet}
    </Button>
  );
}

export default function WalletView() {
  const m = useMessages();
  const w = m.wallet;
  const { data, failure, reload } = useResource('wallet', (signal) => api.wallet({ signal }));
  // Money moves when a block is made, and at no other time.
  useEffect(
    () =>
      onEvent('block', ({ transactions }) => {
        if (transactions > 0) invalidate('wallet');
      }),
    [],
  );
  return (
    <Page title={m.shell.wallet} actions={data?.faucet && <Faucet />}>
      {failure && <ProblemNote failure={failure} onRetry={reload} />}
      {!data && !failure && (
        <>
          <Skeleton height={52} />
          <Skeleton height={260} />
        </>
      )}
      {data && (
        <>
          <Figures
            figures={[
              [w.balance, <Money key="balance" amount={data.tokens} />],
              [w.locked, <Money key="locked" amount={data.locked} />],
              [w.fees, <Native key="fees" amount={data.native} />],
            ]}
          />
          <Section title={w.account}>
            <div className={styles.body}>
              <Facts
                columns
                facts={[
                  [w.address, <Address key="account" address={data.account} what={w.address} />],
                  [w.token, <Address key="token" address={data.token} what={w.token} />],
                  [w.escrow, <Address key="escrow" address={data.escrow} what={w.escrow} />],
                  [w.registry, <Address key="registry" address={data.registry} what={w.registry} />],
                  [w.chain, <Link key="chain" to="/chain">{`${w.chainId} ${data.chain_id}`}</Link>],
                  [w.rpc, <Address key="rpc" address={data.rpc} what={w.rpc} />],
                ]}
              />
            </div>
          </Section>
          <Vouchers vouchers={data.vouchers} />
          <History />
        </>
      )}
    </Page>
  );
}
