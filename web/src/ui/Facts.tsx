// Pairs of a name and a value, one under another: `<Facts facts={[['Budget', <Money … />]]} />`. Empty values are left out.
// With `columns`, as many side by side as there is room for: a value stays near its name on a wide page, too.
import type { ReactNode } from 'react';
import styles from './Facts.module.css';

interface Props {
  facts: (readonly [string, ReactNode] | null | undefined | false)[];
  columns?: boolean;
}

export function Facts({ facts, columns = false }: Props) {
  return (
    <dl className={styles.facts} data-columns={columns || undefined}>
      {facts.map(
        (fact) =>
          fact &&
          fact[1] !== null &&
          fact[1] !== '' && (
            <div key={fact[0]} className={styles.fact}>
              <dt>{fact[0]}</dt>
              <dd>{fact[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
