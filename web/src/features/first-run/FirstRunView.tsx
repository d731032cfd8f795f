// Three questions for somebody who opens the studio for the first time, then straight to the first render.
import { useEffect, useRef, useState } from 'react';
import { api } from '@/api/client';
import { invalidate, replace, useResource } from '@/api/resource';
import type { NodeView, Wallet } from '@/api/types';
import { navigate } from '@/app/router';
import { Appearance } from '@/features/settings/Appearance';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { CopyLine } from '@/ui/Copy';
import { useTitle } from '@/ui/Page';
import { toastFailure } from '@/ui/Toast';
import { Money } from '@/ui/Values';
import styles from './FirstRunView.module.css';
import { endFirstRun, type Purpose } from './firstRun';

const PURPOSES: Purpose[] = ['own', 'both', 'others'];

function PurposeQuestion({
  purpose,
  provides,
  onChange,
}: {
  purpose: Purpose;
  provides: boolean;
  onChange: (purpose: Purpose) => void;
}) {
  const m = useMessages();
  const f = m.firstRun;
  return (
    <>
      <fieldset className={styles.choices}>
        <legend className="visually-hidden">{f.purpose}</legend>
        {PURPOSES.map((each) => (
          <label key={each} className={styles.choice}>
            <input type="radio" name="purpose" checked={each === purpose} onChange={() => onChange(each)} />
            <span>
              <strong>{f.purposes[each]}</strong>
              <span className={styles.hint}>{f.purposeHints[each]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {purpose !== 'own' && !provides && (
        <div className={styles.command}>
          <p>{m.nodes.notProviding}</p>
          <CopyLine text="rayswarm up --provide" what={m.nodes.command} />
        </div>
      )}
    </>
  );
}

function MoneyQuestion({ wallet }: { wallet: Wallet }) {
  const m = useMessages();
  const f = m.firstRun;
  const [state, setState] = useState<'offered' | 'asking' | 'given'>('offered');
  const ask = async () => {
    setState('asking');
    try {
      const richer = await api.faucet();
      replace<Wallet>('wallet', () => richer);
      setState('given');
    } catch (error) {
      toastFailure(error);
      setState('offered');
    }
  };
  return (
    <div className={styles.money}>
      <p>{f.moneyText}</p>
      <p role="status">
        {f.youHave} <Money amount={wallet.tokens} />
      </p>
      <Button icon={state === 'given' ? 'check' : 'add'} busy={state === 'asking'} onClick={ask}>
        {state === 'given' ? f.moneyMore : f.moneyAsk}
      </Button>
    </div>
  );
}

export default function FirstRunView() {
  const m = useMessages();
  const f = m.firstRun;
  useTitle(f.title);
  const [step, setStep] = useState(0);
  const [purpose, setPurpose] = useState<Purpose>('own');
  const [busy, setBusy] = useState(false);
  const node = useResource('node', (signal) => api.node({ signal }));
  const wallet = useResource('wallet', (signal) => api.wallet({ signal }));
  const heading = useRef<HTMLHeadingElement>(null);
  const before = useRef(step);
  // The next question takes the focus, so that it is read out.
  useEffect(() => {
    if (before.current !== step) heading.current?.focus();
    before.current = step;
  }, [step]);
  // Test money exists on test chains only; while it is not known, a third question is counted on.
  const steps = wallet.failure || wallet.data?.faucet === false ? 2 : 3;
  const last = step >= steps - 1;
  const titles = [f.purpose, f.look, f.money];
  const provides = node.data?.provides ?? false;

  const finish = (answer: Purpose | 'skipped') => {
    endFirstRun(answer);
    navigate('/new', { replace: true });
  };
  const next = async () => {
    const { data } = node;
    if (step === 0 && data?.provides && data.provider_paused !== (purpose === 'own')) {
      setBusy(true);
      try {
        const changed = await api.patchNode({ provider_paused: purpose === 'own' });
        replace<NodeView>('node', () => changed);
        invalidate('providers');
      } catch (error) {
        // It can be switched later on the page of nodes; this is no reason to hold anybody up.
        toastFailure(error);
      }
      setBusy(false);
    }
    if (last) finish(purpose);
    else setStep(step + 1);
  };
  return (
    <div className={styles.page}>
      <div className={styles.card}>
        <header className={styles.head}>
          <p className={styles.hint}>{step === 0 ? f.welcome : f.stepOf(step + 1, steps)}</p>
          <h1 ref={heading} tabIndex={-1}>
            {titles[step]}
          </h1>
        </header>
        <div className={styles.body}>
          {step === 0 && (
            <PurposeQuestion purpose={purpose} provides={provides || node.data === null} onChange={setPurpose} />
          )}
          {step === 1 && <Appearance />}
          {step === 2 && wallet.data && <MoneyQuestion wallet={wallet.data} />}
        </div>
        <footer className={styles.foot}>
          <Button kind="quiet" onClick={() => finish('skipped')}>
            {f.skip}
          </Button>
          <span className={styles.gap} />
          {step > 0 && <Button onClick={() => setStep(step - 1)}>{f.back}</Button>}
          <Button kind="primary" busy={busy} onClick={next}>
            {last ? f.begin : f.next}
          </Button>
        </footer>
      </div>
    </div>
  );
}
