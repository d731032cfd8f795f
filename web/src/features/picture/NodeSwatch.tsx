// A node where it is named: its colour and its short id, so that the two are learnt together.
import { Id } from '@/ui/Values';
import styles from './NodeSwatch.module.css';
import { nodeColour } from './nodeColours';

export function NodeSwatch({ id }: { id: string }) {
  return (
    <span className={styles.node}>
      <span className={styles.swatch} style={{ background: nodeColour(id) }} />
      <Id id={id} />
    </span>
  );
}
