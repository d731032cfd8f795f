// While files are hashed and sent, and while the node opens the scene: how far it is, and what to do when it stops.
import { useMessages } from '@/i18n';
import { Icon } from '@/ui/Icon';
import { ProblemNote } from '@/ui/Notes';
import { ProgressBar } from '@/ui/ProgressBar';
import { Bytes } from '@/ui/Values';
import { type Draft, send } from './draft';
import { isTemplate } from './files';
import styles from './NewRenderView.module.css';

type Stage = 'hashing' | 'sending' | 'finishing' | 'inspecting';
const STAGES: Stage[] = ['hashing', 'sending', 'finishing', 'inspecting'];

export function Working({ draft }: { draft: Draft }) {
  const m = useMessages();
  const n = m.newRender;
  const { progress, failure, phase, files, scene } = draft;
  const stage: Stage = phase === 'inspect' ? 'inspecting' : (progress?.stage ?? 'hashing');
  const at = STAGES.indexOf(stage);
  const template = isTemplate(scene);
  const name = (each: Stage) => (template && each === 'inspecting' ? n.commands.reading : n.stage[each]);
  const hint = (each: Stage) => (template && each === 'inspecting' ? n.commands.readingHint : n.stageHint[each]);
  const measured = stage === 'hashing' || stage === 'sending' ? progress : null;
  const permille = measured && measured.total > 0 ? Math.floor((measured.done / measured.total) * 1000) : null;
  return (
    <section className={styles.card} aria-label={n.step.scene}>
      <ol className={styles.stages}>
        {STAGES.map((each, i) => (
          <li
            key={each}
            data-state={i < at ? 'past' : i === at ? 'now' : 'ahead'}
            aria-current={i === at ? 'step' : undefined}
          >
            <Icon name={i < at ? 'check' : i === at ? 'half' : 'circle'} />
            <div>
              <strong>{name(each)}</strong>
              <p>{hint(each)}</p>
            </div>
          </li>
        ))}
      </ol>
      {failure ? (
        <ProblemNote failure={failure} onRetry={() => void send()} />
      ) : (
        <div className={styles.progress}>
          <ProgressBar permille={permille} label={name(stage)} />
          <p className={styles.line}>
            <span>
              {measured && (
                <>
                  <Bytes bytes={measured.done} /> / <Bytes bytes={measured.total} />
                </>
              )}
            </span>
            <span className={styles.hint}>
              {progress && progress.known > 0 && stage !== 'hashing' ? (
                <>
                  <Bytes bytes={progress.known} /> {n.known}
                </>
              ) : (
                n.files(files.length)
              )}
            </span>
          </p>
        </div>
      )}
      <p className={styles.hint}>{failure ? n.goesOn : n.mayLeave}</p>
    </section>
  );
}
