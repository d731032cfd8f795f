// The page of the browser example: files in, a price, a picture out. Its calls go to the server it came from.
import { BudgetError, fromBaseUnits, Rayswarm } from '@rayswarm/client';

const node = new Rayswarm({ url: location.origin });
/** @type {(which: string) => any} */
const find = (which) => document.querySelector(which);
const [form, status, progress, dialog, pictures] = ['form', '[role=status]', 'progress', 'dialog', '#pictures'].map(
  find,
);

const say = (text) => {
  status.textContent = text;
};

/** The textures of a flat selection belong where the scene looks for them: a folder `textures`, in this example. */
function placed(file) {
  const isScene = /\.blend$/i.test(file.name);
  return { name: isScene ? file.name : `textures/${file.name}`, data: file };
}

async function isWanted({ price, budget, time_s: seconds }) {
  const { token_decimals: decimals, token_symbol: symbol } = await node.wallet.show();
  const amount = (units) => `${fromBaseUnits(units, decimals)} ${symbol}`;
  dialog.querySelector('p').textContent =
    `About ${amount(price)}, at most ${amount(budget)}; about ${Math.ceil(seconds)} seconds.`;
  dialog.returnValue = '';
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  return dialog.returnValue === 'yes';
}

function onEvent({ event, data }) {
  if (event !== 'job') return;
  say(data.state);
  progress.value = data.progress_permille;
}

/** The price is asked with no budget at all; a person then says yes or no to it. */
async function render(signal) {
  const { files, samples, width, height } = form.elements;
  const resolution = { exact: { width: width.valueAsNumber, height: height.valueAsNumber } };
  const settings = { resolution, samples: samples.valueAsNumber };
  const onProgress = ({ stage }) => say(stage);
  const scene = [...files.files].map(placed);
  const asked = await node.render(scene, { budget: 0n, settings, onProgress, onEvent, signal }).catch((error) => error);
  if (!(asked instanceof BudgetError)) throw asked;
  const { job, quote } = asked;
  if (!(await isWanted(quote))) return node.jobs.cancel(job.id);
  signal.addEventListener('abort', () => node.jobs.cancel(job.id));
  await node.jobs.start(job.id, { signal });
  for (const output of await node.wait(job.id, { onEvent, signal })) {
    if (output.kind !== 'frame') continue;
    const picture = new Image();
    picture.src = URL.createObjectURL(await output.blob({ signal }));
    picture.alt = output.name;
    pictures.append(picture);
  }
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const stop = new AbortController();
  form.elements.stop.onclick = () => stop.abort();
  form.elements.stop.hidden = progress.hidden = false;
  try {
    await render(stop.signal);
  } catch (error) {
    say(stop.signal.aborted ? 'stopped' : String(error));
  }
  form.elements.stop.hidden = progress.hidden = true;
});
