// What the node found in the scene: what stands in the way first, then the files it needs, then what it is.
import type { Dependency, Finding, SceneFacts } from '@/api/types';
import { useMessages } from '@/i18n';
import { Badge } from '@/ui/Badge';
import { Facts } from '@/ui/Facts';
import { Checkbox } from '@/ui/Field';
import { Icon } from '@/ui/Icon';
import { Section } from '@/ui/Page';
import { Bytes, Count } from '@/ui/Values';
import { Chooser } from './ChooseFiles';
import { allow, type Draft } from './draft';
import styles from './NewRenderView.module.css';
import { sceneFrames } from './settings';

const GRAVITY: Finding['severity'][] = ['refusal', 'warning', 'note'];
const LOOKS = { refusal: ['close', 'bad'], warning: ['alert', 'warn'], note: ['info', 'neutral'] } as const;
/** A scene may have thousands of files; that they are there is what one wants to know. */
const MOST_FOUND = 200;

function Findings({ findings }: { findings: readonly Finding[] }) {
  const m = useMessages();
  const n = m.newRender;
  const sorted = [...findings].sort((a, b) => GRAVITY.indexOf(a.severity) - GRAVITY.indexOf(b.severity));
  return (
    <Section title={n.findings}>
      {sorted.length === 0 ? (
        <p className={styles.fine}>
          <Icon name="check" /> {n.noFindings}
        </p>
      ) : (
        <ul className={styles.findings}>
          {sorted.map((finding) => {
            const [icon, tone] = LOOKS[finding.severity];
            return (
              <li key={`${finding.code}${finding.message}`}>
                <Badge icon={icon} tone={tone}>
                  {n.severity[finding.severity]}
                </Badge>
                <p>{finding.message}</p>
                {finding.remedy && <p className={styles.hint}>{finding.remedy}</p>}
              </li>
            );
          })}
        </ul>
      )}
    </Section>
  );
}

function FileRow({ dependency }: { dependency: Dependency }) {
  const m = useMessages();
  return (
    <li className={styles.file}>
      <span>{dependency.reference}</span>
      <span className={styles.hint}>
        {dependency.kind}, {m.newRender.dependency[dependency.state]}
      </span>
    </li>
  );
}

function Dependencies({ draft, facts, over }: { draft: Draft; facts: SceneFacts; over: boolean }) {
  const m = useMessages();
  const n = m.newRender;
  const of = (state: Dependency['state']) => facts.dependencies.filter((dependency) => dependency.state === state);
  const missing = new Map(of('missing').map((dependency) => [dependency.reference, dependency]));
  const waiting = of('needs_consent');
  const there = [...of('found'), ...of('packed')];
  return (
    <Section title={n.filesTitle}>
      <div className={styles.sectionBody}>
        {missing.size > 0 && (
          <fieldset className={styles.missing} data-over={(over && !draft.archive) || undefined}>
            <legend>
              <Badge icon="alert" tone="warn">
                {n.missing(missing.size)}
              </Badge>
            </legend>
            <p className={styles.hint}>{draft.archive ? n.missingArchive : n.missingHint}</p>
            {[...missing.values()].map((dependency) => (
              <Checkbox
                key={dependency.reference}
                label={n.without(dependency.reference)}
                hint={dependency.kind}
                checked={draft.allowed.includes(dependency.reference)}
                onChange={(event) => allow(dependency.reference, event.target.checked)}
              />
            ))}
            {!draft.archive && (
              <div className={styles.choosers}>
                <Chooser label={n.addFiles} />
                <Chooser folder label={n.addFolder} />
              </div>
            )}
          </fieldset>
        )}
        {waiting.length > 0 && (
          <ul>
            {waiting.map((dependency) => (
              <FileRow key={`${dependency.reference}${dependency.path}`} dependency={dependency} />
            ))}
          </ul>
        )}
        {there.length > 0 ? (
          <details>
            <summary>{n.found(there.length)}</summary>
            <ul>
              {there.slice(0, MOST_FOUND).map((dependency) => (
                <FileRow key={`${dependency.reference}${dependency.path}`} dependency={dependency} />
              ))}
            </ul>
            {there.length > MOST_FOUND && <p className={styles.hint}>{n.andMore(there.length - MOST_FOUND)}</p>}
          </details>
        ) : (
          missing.size + waiting.length === 0 && <p className={styles.hint}>{n.noFiles}</p>
        )}
      </div>
    </Section>
  );
}

function Scene({ facts }: { facts: SceneFacts }) {
  const m = useMessages();
  const n = m.newRender;
  const { numerator, denominator } = facts.frame_rate;
  const active = facts.cameras.find((camera) => camera.active);
  const others = facts.cameras.filter((camera) => camera !== active).map(({ name }) => name);
  return (
    <Section title={n.sceneTitle}>
      <div className={styles.sectionBody}>
        <Facts
          facts={[
            [n.renderer, `${facts.renderer}, ${facts.engine} ${facts.engine_version}`],
            facts.saved_by !== '' && [n.savedBy, facts.saved_by],
            [n.frames, `${sceneFrames(facts)} (${(numerator / Math.max(1, denominator)).toFixed(2)} fps)`],
            [n.resolution, `${facts.resolution.width} × ${facts.resolution.height} px`],
            facts.samples > 0 && [
              n.samples,
              <span key="samples">
                <Count value={facts.samples} /> {facts.adaptive_sampling && n.adaptive}
              </span>,
            ],
            [n.camera, active?.name ?? n.noCamera],
            others.length > 0 && [n.otherCameras, others.join(', ')],
            [n.layers, facts.view_layers.map(({ name }) => name).join(', ')],
            [n.output, `${facts.output.format} ${facts.output.color_mode}, ${facts.output.color_depth} bit`],
            [n.memory, <Bytes key="memory" bytes={facts.memory_estimate} />],
            facts.denoise && [n.denoise, m.common.yes],
            facts.compositor && [n.compositor, m.common.yes],
          ]}
        />
        {facts.sequential && <p className={styles.hint}>{n.sequential}</p>}
      </div>
    </Section>
  );
}

export function Found({ draft, facts, over }: { draft: Draft; facts: SceneFacts; over: boolean }) {
  return (
    <div className={styles.found}>
      <Findings findings={facts.findings} />
      <Dependencies draft={draft} facts={facts} over={over} />
      <Scene facts={facts} />
    </div>
  );
}
