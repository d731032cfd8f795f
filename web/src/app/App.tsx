// The whole studio: signed out, a way in; signed in, the shell around the view that the address names.
import { Suspense, useEffect, useLayoutEffect, useRef } from 'react';
import { isFirstRun } from '@/features/first-run/firstRun';
import { useMessages } from '@/i18n';
import { ButtonLink } from '@/ui/Button';
import { EmptyState, Skeleton } from '@/ui/Notes';
import { Toasts } from '@/ui/Toast';
import { match } from './address';
import { Guard } from './Guard';
import { navigate, useLocation } from './router';
import { routes } from './routes';
import { Shell } from './Shell';
import styles from './Shell.module.css';
import { SignIn } from './SignIn';
import { session } from './session';
import { useStore } from './store';

const HOME = '/jobs';

/** Where each view was scrolled to; coming back to the list of jobs finds the same row. */
const scrolled = new Map<string, number>();
history.scrollRestoration = 'manual';

/** A new view begins at its top (or where it was left), with the focus in it for keyboard and screen reader. */
function useArrival(path: string): void {
  const first = useRef(true);
  useLayoutEffect(() => {
    if (!first.current) {
      document.getElementById('content')?.focus({ preventScroll: true });
      window.scrollTo(0, path.split('/').length === 2 ? (scrolled.get(path) ?? 0) : 0);
    }
    first.current = false;
    const remember = () => scrolled.set(path, window.scrollY);
    window.addEventListener('scroll', remember, { passive: true });
    return () => window.removeEventListener('scroll', remember);
  }, [path]);
}

function CurrentView() {
  const m = useMessages();
  const { path } = useLocation();
  useArrival(path);
  useEffect(() => {
    if (path === '/') navigate(isFirstRun() ? '/first-run' : HOME, { replace: true });
  }, [path]);
  if (path === '/') return null;
  for (const { pattern, View } of routes) {
    const params = match(pattern, path);
    if (!params) continue;
    return (
      // The key makes another job another view: nothing of the old one stays on screen.
      <Guard key={path}>
        <Suspense
          fallback={
            <div className={styles.loading}>
              <Skeleton lines={4} />
            </div>
          }
        >
          <View params={params} />
        </Suspense>
      </Guard>
    );
  }
  return (
    <EmptyState icon="search" title={m.shell.notFound} action={<ButtonLink to={HOME}>{m.shell.toJobs}</ButtonLink>}>
      {m.shell.notFoundDetail}
    </EmptyState>
  );
}

export function App() {
  const now = useStore(session);
  return (
    <>
      {now.state === 'signed_in' ? (
        <Shell>
          <CurrentView />
        </Shell>
      ) : (
        <SignIn refused={now.refused} />
      )}
      <Toasts />
    </>
  );
}
