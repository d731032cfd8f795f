// Whether this browser has been through the first run. Asked only of those who open the studio without an address of a
// view; a deep link is never held up.
import { remembered } from '@/app/store';

export type Purpose = 'own' | 'others' | 'both';

export function isFirstRun(): boolean {
  return remembered.read('first-run') === null;
}

export function endFirstRun(purpose: Purpose | 'skipped'): void {
  remembered.write('first-run', purpose);
}
