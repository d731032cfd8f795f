// Numbers with their noun, for the English catalogue.
export const plural = (n: number, one: string, many: string) => (n === 1 ? one : many);
export const count = (n: number, one: string, many: string) => `${n.toLocaleString('en-GB')} ${plural(n, one, many)}`;
