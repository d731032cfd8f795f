// From a scene to a started job: choose files, see what was found, settings, quote, start. From a bundle to a running one:
// choose it, fill in its parameters, run.
import { type RefObject, useEffect, useRef, useState } from 'react';
import { useStore } from '@/app/store';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Icon } from '@/ui/Icon';
import { Page } from '@/ui/Page';
import { toastFailure } from '@/ui/Toast';
import { ChooseFiles, WhichScene } from './ChooseFiles';
import { type Draft, draft, startOver, take } from './draft';
import { readDrop } from './dropped';
import { Found } from './Found';
import { isTemplate } from './files';
import styles from './NewRenderView.module.css';
import { ParametersForm } from './ParametersForm';
import { QuoteStep } from './QuoteStep';
import { SettingsForm } from './SettingsForm';
import { Template } from './Template';
import { Working } from './Working';

const STEPS = ['scene', 'settings', 'quote'] as const;

function stepOf(phase: Draft['phase']): number {
  return phase === 'quote' ? 2 : phase === 'settings' || phase === 'commands' ? 1 : 0;
}

/** What held the focus goes with its step; the next one begins here, and says where it is. */
function useStepFocus(phase: Draft['phase']): RefObject<HTMLOListElement | null> {
  const top = useRef<HTMLOListElement>(null);
  const place = phase === 'inspect' ? 'upload' : phase;
  const before = useRef(place);
  useEffect(() => {
    if (before.current !== place) top.current?.focus({ preventScroll: true });
    before.current = place;
  }, [place]);
  return top;
}

function Steps({ phase, scene }: { phase: Draft['phase']; scene: string }) {
  const m = useMessages();
  const at = stepOf(phase);
  const top = useStepFocus(phase);
  // Commands cost nothing, so nothing is quoted.
  const steps = isTemplate(scene) ? STEPS.slice(0, 2) : STEPS;
  return (
    <ol ref={top} tabIndex={-1} className={styles.steps} aria-label={m.newRender.steps}>
      {steps.map((step, i) => (
        <li
          key={step}
          data-state={i < at ? 'past' : i === at ? 'now' : 'ahead'}
          aria-current={i === at ? 'step' : undefined}
        >
          <Icon name={i < at ? 'check' : i === at ? 'half' : 'circle'} size={14} />
          {m.newRender.step[step]}
        </li>
      ))}
    </ol>
  );
}

/** The whole window takes files while they are wanted; a file dropped beside the frame must not replace the studio. */
function useDrop(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let leaving: ReturnType<typeof setTimeout> | undefined;
    const drag = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      clearTimeout(leaving);
      setOver(true);
      // `dragover` comes all the time while the pointer is over the window; its silence is the end.
      leaving = setTimeout(() => setOver(false), 200);
    };
    const drop = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      setOver(false);
      readDrop(event.dataTransfer).then(take, toastFailure);
    };
    window.addEventListener('dragover', drag);
    window.addEventListener('drop', drop);
    return () => {
      clearTimeout(leaving);
      window.removeEventListener('dragover', drag);
      window.removeEventListener('drop', drop);
    };
  }, []);
  return over;
}

export default function NewRenderView() {
  const m = useMessages();
  const now = useStore(draft);
  const over = useDrop();
  const { phase, facts, form, template } = now;
  return (
    <Page
      title={m.shell.newRender}
      note={<span className={styles.scene}>{phase === 'choose' ? m.newRender.intro : now.scene}</span>}
      actions={
        phase !== 'choose' &&
        phase !== 'quote' && (
          <Button kind="quiet" icon="close" onClick={startOver}>
            {m.newRender.startOver}
          </Button>
        )
      }
    >
      <Steps phase={phase} scene={now.scene} />
      {phase === 'choose' && <ChooseFiles over={over} nothing={now.nothing} />}
      {phase === 'which' && <WhichScene scenes={now.scenes} failure={now.failure} />}
      {(phase === 'upload' || phase === 'inspect') && <Working draft={now} />}
      {phase === 'settings' && facts && form && (
        <div className={styles.columns}>
          <Found draft={now} facts={facts} over={over} />
          <SettingsForm draft={now} form={form} facts={facts} />
        </div>
      )}
      {phase === 'commands' && template && (
        <div className={styles.columns}>
          <Template template={template} />
          <ParametersForm draft={now} template={template} />
        </div>
      )}
      {phase === 'quote' && now.job && <QuoteStep id={now.job} />}
    </Page>
  );
}
