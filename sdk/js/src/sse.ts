// Reads a text/event-stream: text in, whole events out. Pure, so that cut-up chunks can be tested.

export interface RawEvent {
  id: string;
  event: string;
  data: string;
}

/** Keeps what is incomplete between chunks. The id persists from event to event, as the standard says. */
export class SseParser {
  #rest = '';
  #afterCarriageReturn = false;
  #id = '';
  #event = '';
  #data: string[] = [];

  push(chunk: string): RawEvent[] {
    const events: RawEvent[] = [];
    // A line may end in \r, \n or both, and the cut may lie between the two.
    const added = this.#afterCarriageReturn && chunk.startsWith('\n') ? chunk.slice(1) : chunk;
    if (chunk !== '') this.#afterCarriageReturn = chunk.endsWith('\r');
    const lines = (this.#rest + added).split(/\r\n|\r|\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line, events);
    return events;
  }

  #take(line: string, events: RawEvent[]): void {
    if (line === '') {
      if (this.#data.length > 0) {
        events.push({ id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') });
      }
      this.#event = '';
      this.#data = [];
      return;
    }
    // A line that begins with a colon is a comment, sent to keep the connection open.
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
  }
}
