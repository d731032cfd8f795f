// A list of any length of which only the rows near the screen exist. Rows have one height; the page itself scrolls.
// Arrow keys move between the rows' links; screen readers hear `row 12 of 1,000`.
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import styles from './VirtualList.module.css';

const BEYOND = 6;

interface Props<Row> {
  label: string;
  rows: readonly Row[];
  rowHeight: number;
  rowKey: (row: Row) => string;
  renderRow: (row: Row) => ReactNode;
  /** Called when the end comes near. */
  onNearEnd?: () => void;
  /** How many rows there are in all, when not all are loaded; −1 when unknown. */
  total?: number;
}

interface Range {
  first: number;
  last: number;
}

export function VirtualList<Row>({ label, rows, rowHeight, rowKey, renderRow, onNearEnd, total }: Props<Row>) {
  const list = useRef<HTMLUListElement>(null);
  const [range, setRange] = useState<Range>({ first: 0, last: 30 });

  const measure = useCallback(() => {
    const top = list.current?.getBoundingClientRect().top ?? 0;
    const first = Math.max(0, Math.floor(-top / rowHeight) - BEYOND);
    const last = Math.ceil((window.innerHeight - top) / rowHeight) + BEYOND;
    setRange((old) => (old.first === first && old.last === last ? old : { first, last }));
  }, [rowHeight]);

  useLayoutEffect(measure);
  useEffect(() => {
    window.addEventListener('scroll', measure, { passive: true });
    window.addEventListener('resize', measure);
    return () => {
      window.removeEventListener('scroll', measure);
      window.removeEventListener('resize', measure);
    };
  }, [measure]);
  useEffect(() => {
    if (range.last >= rows.length) onNearEnd?.();
  }, [range.last, rows.length, onNearEnd]);

  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const item = document.activeElement?.closest('li');
    const next = event.key === 'ArrowDown' ? item?.nextElementSibling : item?.previousElementSibling;
    const target = next?.querySelector<HTMLElement>('a, button');
    if (!target) return;
    event.preventDefault();
    target.focus();
    target.scrollIntoView({ block: 'nearest' });
  };

  const first = Math.min(range.first, Math.max(0, rows.length - 1));
  const shown = rows.slice(first, range.last);
  return (
    <ul
      ref={list}
      aria-label={label}
      className={styles.list}
      style={{ height: rows.length * rowHeight, paddingTop: first * rowHeight }}
      onKeyDown={onKey}
    >
      {shown.map((row, i) => (
        <li
          key={rowKey(row)}
          style={{ height: rowHeight }}
          aria-setsize={total ?? rows.length}
          aria-posinset={first + i + 1}
        >
          {renderRow(row)}
        </li>
      ))}
    </ul>
  );
}
