// English: a job of commands that is about to run.
export const commands = {
  reading: 'Reading the template',
  readingHint: 'Nothing of it is run yet.',
  parameters: 'Parameters',
  none: 'It asks for nothing.',
  needed: 'Needed.',
  choose: 'Choose…',
  counted: 'Tasks are counted with the values of the bundle and the defaults of the template.',
  uncounted: 'Tasks can be counted once every parameter has a value.',
  where:
    'The commands run on this node and on other nodes of yours, in a sandbox without network, at once and for nothing.',
  beginsPaused: 'The bundle wants to wait: the job is paused until you resume it.',
  paths: {
    none: {
      file: 'A file of the machine that runs the command.',
      directory: 'A folder of the machine that runs the command.',
    },
    in: {
      file: 'A file that is read; relative to the template.',
      directory: 'A folder that is read; relative to the template.',
    },
    out: {
      file: 'A file that is written. The node keeps it and lists it with the job.',
      directory: 'A folder that is written. The node keeps its files and lists them with the job.',
    },
    in_out: {
      file: 'A file that is read and changed; relative to the template. The node keeps the changed one.',
      directory: 'A folder that is read and changed; relative to the template. The node keeps what is changed.',
    },
  },
  range: 'Whole numbers, as in 1-10,20.',
  list: 'A list in JSON, as in ["a", "b"].',
  fault: (fault: { kind: string; bound?: string }) => {
    switch (fault.kind) {
      case 'whole':
        return 'A whole number, please.';
      case 'least':
        return `It must be at least ${fault.bound}.`;
      case 'greatest':
        return `It must be at most ${fault.bound}.`;
      case 'shortest':
        return `It needs at least ${fault.bound} characters.`;
      case 'longest':
        return `It may have at most ${fault.bound} characters.`;
      default:
        return 'A number, please.';
    }
  },
  missing: (names: string) => `Needed: ${names}.`,
  addHint: 'Files that are added lie beside the template.',
  runHint: 'It begins at once.',
  run: 'Run',
};
