// Pairs of a name and a value, one under another: `<Facts facts={[['Budget', <Money … />]]} />`. Empty values are left out.
import type { ReactNode } from 'react';
import styles from './Facts.module.css';

export function Facts({ facts }: { facts: (readonly [string, ReactNode] | null | false)[] }) {
  return (
    <dl className={styles.facts}>
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
