// The few numbers a view is about, large, on one line: `<Figures figures={[['Height', <Count … />]]} />`.
import type { ReactNode } from 'react';
import styles from './Figures.module.css';

export function Figures({ figures }: { figures: (readonly [string, ReactNode] | null | false)[] }) {
  return (
    <dl className={styles.figures}>
      {figures.map(
        (figure) =>
          figure && (
            <div key={figure[0]}>
              <dt>{figure[0]}</dt>
              <dd>{figure[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
