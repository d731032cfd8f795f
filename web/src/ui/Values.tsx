// Values with their units: money, spans, moments, sizes, ids. Each puts the exact value in its tooltip.
import { type CSSProperties, useEffect, useState } from 'react';
import { useToken } from '@/app/token';
import { useLanguage } from '@/i18n';
import { formatAgo, formatAmount, formatBytes, formatMoment, formatNumber, formatSpan, shortId } from '@/i18n/format';
import styles from './Values.module.css';

/** An amount of the payment token. `symbol={false}` where the column's head says it. */
export function Money({ amount, symbol = true }: { amount: string; symbol?: boolean }) {
  const token = useToken();
  const language = useLanguage();
  return (
    <span
      className={styles.value}
      title={`${formatAmount(amount, token.decimals, language, token.decimals)} ${token.symbol}`}
    >
      {formatAmount(amount, token.decimals, language)}
      {symbol && <span className={styles.unit}> {token.symbol}</span>}
    </span>
  );
}

export function Span({ seconds }: { seconds: number | null | undefined }) {
  const language = useLanguage();
  return <span className={styles.value}>{seconds == null ? '–' : formatSpan(seconds, language)}</span>;
}

export function Bytes({ bytes }: { bytes: number }) {
  const language = useLanguage();
  return (
    <span className={styles.value} title={`${formatNumber(bytes, language)} B`}>
      {formatBytes(bytes, language)}
    </span>
  );
}

export function Count({ value, digits = 0, unit }: { value: number; digits?: number; unit?: string }) {
  const language = useLanguage();
  return (
    <span className={styles.value}>
      {formatNumber(value, language, digits)}
      {unit && <span className={styles.unit}> {unit}</span>}
    </span>
  );
}

const TICK_MS = 10_000;
/** The time now, again every ten seconds (or as told), for what reads `3 minutes ago`. */
export function useNow(everyMs = TICK_MS): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

export function Ago({ at }: { at: string }) {
  const language = useLanguage();
  const now = useNow();
  return (
    <time className={styles.value} dateTime={at} title={formatMoment(at, language)}>
      {formatAgo(at, now, language)}
    </time>
  );
}

export function Moment({ at }: { at: string }) {
  const language = useLanguage();
  return (
    <time className={styles.value} dateTime={at}>
      {formatMoment(at, language)}
    </time>
  );
}

/** A shortened id, account or hash; the whole one is in the tooltip and for screen readers' copy. */
export function Id({ id, style }: { id: string; style?: CSSProperties }) {
  return (
    <code className={styles.id} title={id} style={style}>
      {shortId(id)}
    </code>
  );
}
