// Where a scene comes in: the drop zone with its two choosers, and the question which scene is meant when there are several.
import { type FormEvent, useRef, useState } from 'react';
import type { Failure } from '@/api/problem';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Field, Input } from '@/ui/Field';
import { Icon } from '@/ui/Icon';
import { ProblemNote } from '@/ui/Notes';
import own from './ChooseFiles.module.css';
import { chooseScene, take } from './draft';
import { readChosen } from './dropped';
import styles from './NewRenderView.module.css';

/** A button that opens the browser's chooser for files, or for a folder. */
export function Chooser({
  folder = false,
  primary = false,
  label,
}: {
  folder?: boolean;
  primary?: boolean;
  label: string;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button
        kind={primary ? 'primary' : 'plain'}
        icon={folder ? undefined : 'upload'}
        onClick={() => input.current?.click()}
      >
        {label}
      </Button>
      <input
        ref={(element) => {
          input.current = element;
          // Not an attribute that React knows.
          if (folder) element?.setAttribute('webkitdirectory', '');
        }}
        type="file"
        multiple
        hidden
        aria-label={label}
        onChange={(event) => {
          const { files } = event.target;
          if (files && files.length > 0) take(readChosen(files));
          // The same file may be chosen again after a change.
          event.target.value = '';
        }}
      />
    </>
  );
}

export function ChooseFiles({ over, nothing }: { over: boolean; nothing: boolean }) {
  const m = useMessages();
  const n = m.newRender;
  return (
    <section className={own.zone} data-over={over || undefined} aria-label={n.drop}>
      <Icon name="upload" size={28} />
      <h2>{over ? n.dropNow : n.drop}</h2>
      <p className={styles.hint}>{n.dropHint}</p>
      <div className={styles.choosers}>
        <Chooser primary label={n.chooseFiles} />
        <Chooser folder label={n.chooseFolder} />
      </div>
      <p role="status" className={own.nothing}>
        {nothing ? n.nothing : ''}
      </p>
    </section>
  );
}

export function WhichScene({ scenes, failure }: { scenes: readonly string[]; failure: Failure | null }) {
  const m = useMessages();
  const n = m.newRender;
  const [typed, setTyped] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim()) chooseScene(typed.trim());
  };
  return (
    <section className={styles.card}>
      <h2>{n.which}</h2>
      <p className={styles.hint}>{n.whichHint}</p>
      {scenes.length > 0 && (
        <ul className={own.scenes}>
          {scenes.map((scene) => (
            <li key={scene}>
              <button type="button" className={own.sceneChoice} onClick={() => chooseScene(scene)}>
                <Icon name="picture" />
                <span>{scene}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {failure && (
        <>
          <ProblemNote failure={failure} />
          <form className={own.typed} onSubmit={submit}>
            <Field label={n.scenePath}>
              {(ids) => <Input {...ids} value={typed} onChange={(event) => setTyped(event.target.value)} />}
            </Field>
            <Button type="submit" disabled={!typed.trim()}>
              {n.useScene}
            </Button>
          </form>
        </>
      )}
    </section>
  );
}
