// Settings that are rarely touched: how a frame is cut into tasks, what is kept, another renderer.
import type { SceneFacts } from '@/api/types';
import { useMessages } from '@/i18n';
import { Checkbox, Field, Input } from '@/ui/Field';
import { change, changeText } from './draft';
import styles from './NewRenderView.module.css';
import type { Form, Wrong } from './settings';

export function MoreSettings({ form, facts, wrong }: { form: Form; facts: SceneFacts; wrong: Wrong }) {
  const m = useMessages();
  const n = m.newRender;
  const number = (key: 'columns' | 'rows' | 'slices', label: string) => (
    <Field label={label} error={wrong[key] ? n.numberWrong : null}>
      {(ids) => (
        <Input
          {...ids}
          inputMode="numeric"
          value={form[key]}
          onChange={(event) => changeText(key, event.target.value)}
        />
      )}
    </Field>
  );
  const mayWant = facts.engine === 'blender' && facts.renderer.toLowerCase() !== 'cycles';
  return (
    <details className={styles.more}>
      <summary>{m.common.more}</summary>
      <div className={styles.moreBody}>
        <Checkbox
          label={n.grid}
          hint={facts.tiles_exact ? n.gridHint : n.gridInexact}
          checked={form.grid}
          onChange={(event) => change({ grid: event.target.checked })}
        />
        {form.grid && (
          <div className={styles.pair}>
            {number('columns', n.columns)}
            {number('rows', n.rows)}
          </div>
        )}
        <Checkbox
          label={n.sliced}
          hint={facts.slices_refused ? `${n.slicesRefused}: ${facts.slices_refused}` : n.slicedHint}
          disabled={Boolean(facts.slices_refused)}
          checked={form.sliced && !facts.slices_refused}
          onChange={(event) => change({ sliced: event.target.checked })}
        />
        {form.sliced && !facts.slices_refused && number('slices', n.slices)}
        <Checkbox
          label={n.keepRaw}
          hint={n.keepRawHint}
          checked={form.keepRaw}
          onChange={(event) => change({ keepRaw: event.target.checked })}
        />
        {mayWant && (
          <Checkbox
            label={n.cycles}
            hint={n.cyclesHint}
            checked={form.cycles}
            onChange={(event) => change({ cycles: event.target.checked })}
          />
        )}
      </div>
    </details>
  );
}
