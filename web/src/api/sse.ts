// Reads a text/event-stream: text in, whole events out. Pure, so that cut-up chunks can be tested.

export interface RawEvent {
  id: string;
  event: string;
  data: string;
}

/** Keeps what is incomplete between chunks. The id persists from event to event, as the standard says. */
export class SseParser {
  private rest = '';
  private id = '';
  private event = '';
  private data: string[] = [];

  push(chunk: string): RawEvent[] {
    const events: RawEvent[] = [];
    const text = this.rest + chunk;
    let start = 0;
    for (;;) {
      const end = text.indexOf('\n', start);
      if (end < 0) break;
      const line = text.charCodeAt(end - 1) === 13 && end > start ? text.slice(start, end - 1) : text.slice(start, end);
      start = end + 1;
      this.line(line, events);
    }
    this.rest = text.slice(start);
    return events;
  }

  private line(line: string, events: RawEvent[]): void {
    if (line === '') {
      if (this.data.length > 0) {
        events.push({ id: this.id, event: this.event || 'message', data: this.data.join('\n') });
      }
      this.event = '';
      this.data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment, sent to keep the connection open
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') this.data.push(value);
    else if (field === 'event') this.event = value;
    else if (field === 'id') this.id = value;
  }
}
