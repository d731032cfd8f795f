// Has a model work on a picture of the web. Usage: node examples/render-image.mjs IMAGE_URL MODEL
import { renderImage } from '@rayswarm/client';

const [imageUrl, model] = process.argv.slice(2);
if (!imageUrl || !model) throw new Error('name a picture and a model: node examples/render-image.mjs IMAGE_URL MODEL');

console.log(await renderImage(imageUrl, model, { url: process.env.RAYSWARM_URL }));
