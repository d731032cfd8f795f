// The values a template asks for: begins as its bundle says, sends what was changed, ends in a job that runs at once.
import type { FormEvent } from 'react';
import type { ParameterView, TemplateView } from '@/api/types';
import { navigate } from '@/app/router';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Field, type FieldIds, Input, Select, TextArea } from '@/ui/Field';
import { Icon } from '@/ui/Icon';
import { ProblemNote } from '@/ui/Notes';
import { Section } from '@/ui/Page';
import { Chooser } from './ChooseFiles';
import { changeValue, type Draft, runCommands } from './draft';
import styles from './NewRenderView.module.css';
import { choices, type Fault, groups, isNeeded, pathsToOffer, readValues } from './parameters';

/** A bundle may have thousands of files; typing narrows what is offered. */
const MOST_OFFERED = 500;

const reads = ({ kind, flow }: ParameterView) => kind === 'path' && (flow === 'in' || flow === 'in_out');

function Control({ ids, draft, parameter }: { ids: FieldIds; draft: Draft; parameter: ParameterView }) {
  const m = useMessages();
  const { name, kind, control } = parameter;
  const value = draft.values[name] ?? '';
  const chosen = choices(parameter);
  const common = {
    ...ids,
    value,
    onChange: (event: { target: { value: string } }) => changeValue(name, event.target.value),
  };
  if (chosen.length > 0) {
    return (
      <Select {...common}>
        {/* What is no choice is shown as it is until another one is made. */}
        {!chosen.includes(value) && <option value={value}>{value || m.newRender.commands.choose}</option>}
        {chosen.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </Select>
    );
  }
  if (kind === 'int' || kind === 'float') {
    const { least, greatest } = parameter;
    return (
      <Input
        {...common}
        type="number"
        step={kind === 'int' ? 1 : 'any'}
        min={least ?? undefined}
        max={greatest ?? undefined}
      />
    );
  }
  if (control === 'MULTILINE_EDIT') return <TextArea {...common} />;
  const paths = draft.files.map(({ path }) => path);
  const offered = reads(parameter) && !draft.archive ? pathsToOffer(parameter, paths, draft.scene) : [];
  return (
    <>
      <Input {...common} list={offered.length > 0 ? `${ids.id}paths` : undefined} />
      {offered.length > 0 && (
        <datalist id={`${ids.id}paths`}>
          {offered.slice(0, MOST_OFFERED).map((path) => (
            <option key={path} value={path} />
          ))}
        </datalist>
      )}
    </>
  );
}

function ParameterField({
  draft,
  template,
  parameter,
  fault,
}: {
  draft: Draft;
  template: TemplateView;
  parameter: ParameterView;
  fault: Fault | undefined;
}) {
  const m = useMessages();
  const c = m.newRender.commands;
  const { kind, object, flow, description } = parameter;
  const hints = [
    isNeeded(template, parameter) && c.needed,
    description,
    kind === 'path' && c.paths[flow ?? 'none'][object ?? 'directory'],
    kind === 'range' && c.range,
    kind === 'list' && c.list,
  ];
  return (
    <Field
      label={parameter.label || parameter.name}
      hint={hints.filter(Boolean).join(' ')}
      // That something is still to be filled in is said below the form, and is no fault yet.
      error={fault && fault.kind !== 'missing' ? c.fault(fault) : null}
    >
      {(ids) => <Control ids={ids} draft={draft} parameter={parameter} />}
    </Field>
  );
}

/** Why the job cannot be run; empty when it can. */
function useObstacle(template: TemplateView, faults: Record<string, Fault>): string {
  const m = useMessages();
  const n = m.newRender;
  const missing = template.parameters.filter(({ name }) => faults[name]?.kind === 'missing');
  if (missing.length > 0) return n.commands.missing(missing.map(({ label, name }) => label || name).join(', '));
  return Object.keys(faults).length > 0 ? n.wrongFields : '';
}

export function ParametersForm({ draft, template }: { draft: Draft; template: TemplateView }) {
  const m = useMessages();
  const n = m.newRender;
  const c = n.commands;
  const { faults } = readValues(template, draft.values);
  const obstacle = useObstacle(template, faults);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (obstacle) return;
    const job = await runCommands();
    if (job) navigate(`/jobs/${job}`);
  };
  const fields = (parameters: readonly ParameterView[]) =>
    parameters.map((parameter) => (
      <ParameterField
        key={parameter.name}
        draft={draft}
        template={template}
        parameter={parameter}
        fault={faults[parameter.name]}
      />
    ));
  return (
    <Section title={c.parameters}>
      <form className={styles.form} onSubmit={submit} noValidate>
        {template.parameters.length === 0 && <p className={styles.hint}>{c.none}</p>}
        {groups(template).map(({ title, parameters }) =>
          title === '' ? (
            fields(parameters)
          ) : (
            <fieldset key={title} className={styles.group}>
              <legend>{title}</legend>
              {fields(parameters)}
            </fieldset>
          ),
        )}
        {!draft.archive && template.parameters.some(reads) && (
          <div>
            <p className={styles.hint}>{c.addHint}</p>
            <div className={styles.choosers}>
              <Chooser label={n.addFiles} />
              <Chooser folder label={n.addFolder} />
            </div>
          </div>
        )}
        {draft.failure && <ProblemNote failure={draft.failure} />}
        <div className={styles.submit}>
          <p role="status" className={obstacle ? styles.obstacle : styles.hint}>
            {obstacle && <Icon name="alert" />}
            {obstacle || c.runHint}
          </p>
          <Button kind="primary" icon="play" type="submit" busy={draft.busy} disabled={obstacle !== ''}>
            {c.run}
          </Button>
        </div>
      </form>
    </Section>
  );
}
