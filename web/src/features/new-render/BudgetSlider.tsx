// Budget against time on one slider, over the quote's own curve: left is cheaper, right is quicker.
import { useId } from 'react';
import { useToken } from '@/app/token';
import { useLanguage, useMessages } from '@/i18n';
import { formatAmount, formatSpan } from '@/i18n/format';
import { Money, Span } from '@/ui/Values';
import styles from './BudgetSlider.module.css';
import { type Point, places } from './curve';

interface Props {
  curve: readonly Point[];
  at: number;
  onChange: (at: number) => void;
}

export function BudgetSlider({ curve, at, onChange }: Props) {
  const m = useMessages();
  const n = m.newRender;
  const token = useToken();
  const language = useLanguage();
  const id = useId();
  const line = places(curve);
  const point = curve[at]!;
  const place = line[at]!;
  const amount = `${formatAmount(point.budget, token.decimals, language)} ${token.symbol}`;
  return (
    <div className={styles.slider}>
      <div className={styles.head}>
        <div>
          <span className={styles.label}>{n.atMost}</span>
          <strong>
            <Money amount={point.budget} />
          </strong>
        </div>
        <div>
          <span className={styles.label}>{n.about}</span>
          <strong>
            <Span seconds={point.time_s} />
          </strong>
        </div>
        <div>
          <span className={styles.label}>{n.nodesAtWork}</span>
          <strong>{m.common.nodes(point.providers)}</strong>
        </div>
      </div>
      <div className={styles.curve} aria-hidden>
        <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
          <polyline points={line.map(({ x, y }) => `${x},${y}`).join(' ')} vectorEffect="non-scaling-stroke" />
        </svg>
        <span className={styles.dot} style={{ left: `${place.x * 100}%`, top: `${place.y * 100}%` }} />
      </div>
      <label htmlFor={id} className="visually-hidden">
        {n.slider}
      </label>
      <input
        id={id}
        type="range"
        min={0}
        max={curve.length - 1}
        step={1}
        value={at}
        aria-valuetext={n.sliderValue(amount, formatSpan(point.time_s, language), point.providers)}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      <div className={styles.ends} aria-hidden>
        <span>{n.cheaper}</span>
        <span>{n.quicker}</span>
      </div>
    </div>
  );
}
