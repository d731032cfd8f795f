// What can go wrong with a call, as typed errors.
import type { JobSummary, Problem, Quote } from './types.js';

/** Characters of an answer that is no problem document, kept to show what came. */
const SHOWN_MAX = 300;

/** The node answered, and refused: a problem document of RFC 9457. */
export class ProblemError extends Error {
  override readonly name: string = 'ProblemError';
  /** Stable word for programs: `scene_refused`, `budget_too_small`, … */
  readonly type: string;
  /** The kind for people. */
  readonly title: string;
  /** HTTP status. */
  readonly status: number;
  /** What failed, on which value. */
  readonly detail: string;
  /** What to do next, where `detail` does not say it. */
  readonly next: string | null;
  /** The whole document. */
  readonly problem: Problem;

  constructor(problem: Problem) {
    super([problem.detail || problem.title || problem.type, problem.next_step].filter(Boolean).join('; '));
    this.problem = problem;
    this.type = problem.type;
    this.title = problem.title ?? problem.type;
    this.status = problem.status;
    this.detail = problem.detail;
    this.next = problem.next_step ?? null;
  }

  /** Reads a response that is no success. What is no problem document (a proxy's page) becomes one. */
  static async from(response: Response): Promise<ProblemError> {
    const text = await response.text().catch(() => '');
    return new ProblemError(parse(text) ?? plain(response, text));
  }
}

function parse(text: string): Problem | null {
  try {
    const { type, status, detail, ...rest } = JSON.parse(text) as Problem;
    const isProblem = typeof type === 'string' && typeof status === 'number';
    return isProblem ? { ...rest, type, status, detail: detail ?? '' } : null;
  } catch {
    return null;
  }
}

function plain({ status, statusText }: Response, text: string): Problem {
  return { type: 'about:blank', title: statusText || `HTTP ${status}`, status, detail: text.slice(0, SHOWN_MAX) };
}

/** The node did not answer: it is not running, or the line is down. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';

  constructor(address: string, cause: unknown) {
    super(`no answer from ${address}; is the node running there? (\`rayswarm up\`)`, { cause });
  }
}

/** A job costs more than it may. It stays quoted: start it all the same, or cancel it. */
export class BudgetError extends Error {
  override readonly name = 'BudgetError';
  readonly job: JobSummary;
  readonly quote: Quote;
  /** What it may cost, in base units. */
  readonly budget: bigint;

  constructor(job: JobSummary, quote: Quote, budget: bigint) {
    const least = leastBudget(quote);
    super(`job ${job.id} needs ${least} base units, and ${budget} are allowed; start it with more, or cancel it`);
    this.job = job;
    this.quote = quote;
    this.budget = budget;
  }
}

/** The least a quoted job can be started with: the cheapest point of its curve. */
export function leastBudget(quote: Quote): bigint {
  const whole = BigInt(quote.budget);
  const cheapest = BigInt(quote.curve?.[0]?.budget ?? whole);
  return cheapest < whole ? cheapest : whole;
}

/** A job ended without its pictures. */
export class JobError extends ProblemError {
  override readonly name = 'JobError';
  readonly job: JobSummary;

  constructor(job: JobSummary) {
    const detail = `job ${job.id} is ${job.state}`;
    super(job.problem ?? { type: `job_${job.state}`, status: 409, detail });
    this.job = job;
  }
}
