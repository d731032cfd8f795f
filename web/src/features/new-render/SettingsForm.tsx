// What to render and how: begins as the scene says, sends what was changed, ends in a quote that costs nothing.
import type { FormEvent } from 'react';
import type { OutputFormat, SceneFacts } from '@/api/types';
import { parseFrames } from '@/app/frameList';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Field, Input, Select } from '@/ui/Field';
import { Icon } from '@/ui/Icon';
import { ProblemNote } from '@/ui/Notes';
import { Section } from '@/ui/Page';
import { Segmented } from '@/ui/Tabs';
import { askForQuote, change, changeText, type Draft } from './draft';
import { MoreSettings } from './MoreSettings';
import styles from './NewRenderView.module.css';
import { DEADLINES_S, FORMATS, type Form, pictureSize, readForm, sceneFrames } from './settings';

const HOUR_S = 3600;
const DAY_S = 86_400;

/** Why no quote can be asked for; empty when one can. */
function useObstacle(draft: Draft, form: Form, facts: SceneFacts): string {
  const m = useMessages();
  const n = m.newRender;
  const missing = new Set(facts.dependencies.filter(({ state }) => state === 'missing').map((each) => each.reference));
  const undecided = [...missing].filter((reference) => !draft.allowed.includes(reference));
  if (undecided.length > 0) return n.undecided(undecided.length);
  // The refusal for missing files is answered by ticking them; another renderer may answer the others.
  const refused = facts.findings.some(({ severity, code }) => severity === 'refusal' && code !== 'missing_files');
  if (refused && !form.cycles) return n.refused;
  return Object.keys(readForm(form, facts).wrong).length > 0 ? n.wrongFields : '';
}

export function SettingsForm({ draft, form, facts }: { draft: Draft; form: Form; facts: SceneFacts }) {
  const m = useMessages();
  const n = m.newRender;
  const { wrong } = readForm(form, facts);
  const obstacle = useObstacle(draft, form, facts);
  const frames = parseFrames(form.frames);
  const size = pictureSize(form, facts);
  const number = (key: 'percent' | 'width' | 'height' | 'samples', label: string, unit?: string, hint?: string) => (
    <Field label={label} error={wrong[key] ? n.numberWrong : null} hint={hint}>
      {(ids) => (
        <Input
          {...ids}
          inputMode="numeric"
          unit={unit}
          value={form[key]}
          onChange={(event) => changeText(key, event.target.value)}
        />
      )}
    </Field>
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!obstacle) void askForQuote();
  };
  return (
    <Section title={n.step.settings}>
      <form className={styles.form} onSubmit={submit}>
        <Field label={n.name}>
          {(ids) => (
            <Input {...ids} value={form.name} maxLength={200} onChange={(e) => change({ name: e.target.value })} />
          )}
        </Field>
        <Field
          label={n.frames}
          error={wrong.frames ? m.job.duplicateDialog.framesError : null}
          hint={`${m.common.frames(frames?.length ?? 0)}. ${n.framesHint(sceneFrames(facts))}`}
        >
          {(ids) => <Input {...ids} value={form.frames} onChange={(e) => change({ frames: e.target.value })} />}
        </Field>
        <div className={styles.resolution}>
          <div className={styles.line}>
            <span className={styles.label}>{n.resolution}</span>
            <Segmented
              label={n.resolution}
              options={[
                { key: 'percent', label: n.byPercent },
                { key: 'size', label: n.bySize },
              ]}
              value={form.by}
              onChange={(by) => change({ by })}
            />
          </div>
          {form.by === 'percent' ? (
            number('percent', n.percent, '%', size ? `${size.width} × ${size.height} px` : undefined)
          ) : (
            <div className={styles.pair}>
              {number('width', n.width, 'px')}
              {number('height', n.height, 'px')}
            </div>
          )}
        </div>
        <div className={styles.pair}>
          {number('samples', n.samples, undefined, n.samplesHint(facts.samples))}
          <Field label={n.format}>
            {(ids) => (
              <Select
                {...ids}
                value={form.format}
                onChange={(e) => change({ format: e.target.value as OutputFormat | '' })}
              >
                <option value="">{n.asScene(facts.output.format)}</option>
                {FORMATS.map((format) => (
                  <option key={format} value={format}>
                    {n.formats[format]}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        <Field label={n.deadline} hint={n.deadlineHint}>
          {(ids) => (
            <Select {...ids} value={form.deadlineS} onChange={(e) => change({ deadlineS: Number(e.target.value) })}>
              {DEADLINES_S.map((seconds) => (
                <option key={seconds} value={seconds}>
                  {seconds > DAY_S ? n.days(seconds / DAY_S) : n.hours(seconds / HOUR_S)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <MoreSettings form={form} facts={facts} wrong={wrong} />
        {draft.failure && <ProblemNote failure={draft.failure} />}
        <div className={styles.submit}>
          <p role="status" className={obstacle ? styles.obstacle : styles.hint}>
            {obstacle && <Icon name="alert" />}
            {obstacle || n.quoteHint}
          </p>
          <Button kind="primary" type="submit" busy={draft.busy} disabled={obstacle !== ''}>
            {n.getQuote}
          </Button>
        </div>
      </form>
    </Section>
  );
}
