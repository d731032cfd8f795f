// All movements of money, newest first, and their export.
import { useEffect, useRef, useState } from 'react';
import { api } from '@/api/client';
import { onEvent } from '@/api/events';
import { usePages } from '@/api/pages';
import { isAbort } from '@/api/problem';
import type { Page, WalletEntry } from '@/api/types';
import { Link } from '@/app/router';
import { useToken } from '@/app/token';
import { useMessages } from '@/i18n';
import { Badge, type Tone } from '@/ui/Badge';
import { Button } from '@/ui/Button';
import type { IconName } from '@/ui/Icon';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import { Section } from '@/ui/Page';
import { type Column, Table } from '@/ui/Table';
import { toast, toastFailure } from '@/ui/Toast';
import { Id, Moment, Money } from '@/ui/Values';
import { historyCsv } from './csv';
import styles from './WalletView.module.css';

const PAGE = 25;
const EXPORT_PAGE = 200;
const FREE_ADDRESS_AFTER_MS = 60_000;

const LOOKS: Record<WalletEntry['kind'], { icon: IconName; tone: Tone }> = {
  opened: { icon: 'lock', tone: 'neutral' },
  paid: { icon: 'send', tone: 'neutral' },
  refunded: { icon: 'retry', tone: 'accent' },
  earned: { icon: 'add', tone: 'ok' },
};

const readPage = (cursor: string | null, signal: AbortSignal) => api.walletHistory({ limit: PAGE, cursor }, { signal });

async function readAll(signal: AbortSignal): Promise<WalletEntry[]> {
  const all: WalletEntry[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<WalletEntry> = await api.walletHistory({ limit: EXPORT_PAGE, cursor }, { signal });
    all.push(...page.items);
    cursor = page.next_cursor ?? null;
  } while (cursor !== null);
  return all;
}

function save(text: string, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8;header=present' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), FREE_ADDRESS_AFTER_MS);
}

function Export() {
  const m = useMessages();
  const token = useToken();
  const [busy, setBusy] = useState(false);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const run = async () => {
    running.current = new AbortController();
    setBusy(true);
    try {
      const entries = await readAll(running.current.signal);
      const day = new Date().toISOString().slice(0, 10);
      save(historyCsv(entries, token.decimals, token.symbol), `rayswarm-wallet-${day}.csv`);
      toast(m.wallet.exported(entries.length));
    } catch (error) {
      if (!isAbort(error)) toastFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button kind="quiet" icon="download" busy={busy} onClick={run}>
      {m.wallet.exportCsv}
    </Button>
  );
}

export function History() {
  const m = useMessages();
  const w = m.wallet;
  const { items, loading, complete, failure, more, reload } = usePages(readPage);
  // The first page is kept current; once somebody reads on, nothing moves under their eyes.
  const follows = items.length <= PAGE && !loading;
  useEffect(() => {
    if (!follows) return;
    return onEvent('block', ({ transactions }) => {
      if (transactions > 0) reload();
    });
  }, [follows, reload]);
  const columns: Column<WalletEntry>[] = [
    {
      key: 'kind',
      head: w.kind,
      cell: (entry) => {
        const look = LOOKS[entry.kind];
        return (
          <Badge icon={look.icon} tone={look.tone}>
            {w.kinds[entry.kind]}
          </Badge>
        );
      },
    },
    { key: 'at', head: w.when, from: 'wide', cell: (entry) => <Moment at={entry.at} /> },
    {
      key: 'job',
      head: w.job,
      cell: (entry) => (
        <Link to={`/jobs/${entry.job}`}>
          <Id id={entry.job} />
        </Link>
      ),
    },
    {
      key: 'transaction',
      head: w.transaction,
      from: 'wide',
      cell: (entry) =>
        entry.transaction == null ? (
          <span className={styles.unit}>{w.notYet}</span>
        ) : (
          <Link to={`/chain/transactions/${entry.transaction}`}>
            <Id id={entry.transaction} />
          </Link>
        ),
    },
    { key: 'amount', head: w.amount, numeric: true, cell: (entry) => <Money amount={entry.amount} /> },
  ];
  const empty = items.length === 0;
  return (
    <Section title={w.history} actions={!empty && <Export />}>
      {empty && loading && (
        <div className={styles.waiting}>
          <Skeleton lines={8} height={26} />
        </div>
      )}
      {empty && !loading && !failure && <p className={styles.hint}>{w.noHistory}</p>}
      {!empty && (
        <Table
          caption={w.history}
          columns={columns}
          rows={items}
          rowKey={(entry) => `${entry.at}${entry.kind}${entry.job}${entry.transaction}${entry.amount}`}
        />
      )}
      {failure && (
        <div className={styles.failed}>
          <ProblemNote failure={failure} onRetry={empty ? reload : more} />
        </div>
      )}
      {!empty && !complete && !failure && (
        <div className={styles.end}>
          <Button busy={loading} onClick={more}>
            {w.more}
          </Button>
        </div>
      )}
    </Section>
  );
}
