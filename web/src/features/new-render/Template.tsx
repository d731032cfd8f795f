// What a template is and would do: its description, its steps with their tasks, where its commands run.
import type { TemplateView } from '@/api/types';
import { useMessages } from '@/i18n';
import { Icon } from '@/ui/Icon';
import { Section } from '@/ui/Page';
import { Table } from '@/ui/Table';
import { Count } from '@/ui/Values';
import styles from './NewRenderView.module.css';
import { isNeeded } from './parameters';

/** With which values tasks are counted, or why they cannot be. */
function Counted({ template }: { template: TemplateView }) {
  const c = useMessages().newRender.commands;
  if (!template.incomplete) return <p className={styles.hint}>{c.counted}</p>;
  if (template.parameters.some((parameter) => isNeeded(template, parameter)))
    return <p className={styles.hint}>{c.uncounted}</p>;
  return (
    <p className={styles.obstacle}>
      <Icon name="alert" />
      <span className={styles.described}>{template.incomplete}</span>
    </p>
  );
}

export function Template({ template }: { template: TemplateView }) {
  const m = useMessages();
  const c = m.newRender.commands;
  const words = m.job.commands;
  return (
    <Section title={template.name}>
      <div className={styles.sectionBody}>
        {template.description && <p className={styles.described}>{template.description}</p>}
        <Table
          caption={words.steps}
          rows={template.steps}
          rowKey={(step) => step.name}
          columns={[
            { key: 'step', head: words.step, cell: (step) => step.name },
            {
              key: 'tasks',
              head: words.tasks,
              numeric: true,
              cell: (step) => (step.tasks == null ? '–' : <Count value={step.tasks} />),
            },
            { key: 'waits', head: words.waitsFor, cell: (step) => step.waits_for.join(', ') },
          ]}
        />
        <Counted template={template} />
        <p>{c.where}</p>
        {template.begins_paused && <p>{c.beginsPaused}</p>}
      </div>
    </Section>
  );
}
