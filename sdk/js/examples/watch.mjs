// Says what happens on the node until Ctrl-C. Usage: node examples/watch.mjs [ID of the last event that was heard]
import { node } from './node.mjs';

const [since] = process.argv.slice(2);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

/** @param {import('@rayswarm/client').RayswarmEvent} event */
function told(event) {
  switch (event.event) {
    case 'job':
      return `${event.data.name}: ${event.data.state}, ${event.data.frames_finished} of ${event.data.frames} frames`;
    case 'tasks':
      return `${event.data.tasks.length} tasks changed`;
    case 'output':
      return `finished ${event.data.output.name}`;
    case 'log':
      return event.data.text;
    case 'block':
      return `number ${event.data.number} with ${event.data.transactions} transactions`;
    case 'providers':
      return 'somebody came, went or changed';
    case 'reset':
      return 'events were lost; what was read before may be old';
  }
}

try {
  for await (const event of node.events({ since, signal: stop.signal })) {
    console.log(event.id, event.event, told(event));
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
}
