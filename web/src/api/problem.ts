// What can go wrong with a call, as typed errors. Views show them with <ProblemNote>, which words each kind.
import type { Problem } from './types';

/** The node answered, and refused: an RFC 9457 problem with a next step. */
export class ApiError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = 'ApiError';
    this.problem = problem;
  }
  get status(): number {
    return this.problem.status;
  }
  /** The last part of the problem's type URI: `several_scenes`, `not_found`, … */
  get code(): string {
    return this.problem.type.split(/[/#:]/).pop() ?? '';
  }
}

/** The node did not answer: it is not running, or the network is down. */
export class OfflineError extends Error {
  constructor(cause: unknown) {
    super('the node does not answer', { cause });
    this.name = 'OfflineError';
  }
}

export type Failure = ApiError | OfflineError;

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** Any thrown value as one of the two kinds that views know. */
export function toFailure(error: unknown): Failure {
  if (error instanceof ApiError || error instanceof OfflineError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new ApiError({ type: 'about:blank#studio', title: 'The studio failed', status: 0, detail });
}

/** A response that is not 2xx, read as a problem document; anything else becomes one. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '');
  try {
    const body = JSON.parse(text) as Partial<Problem>;
    if (typeof body.title === 'string') {
      return { type: 'about:blank', detail: '', ...body, title: body.title, status: response.status };
    }
  } catch {
    // Not JSON: a proxy's page, or an older node. The status line is all that is known.
  }
  const title = response.statusText || `HTTP ${response.status}`;
  return { type: 'about:blank', title, status: response.status, detail: text.slice(0, 300) };
}
