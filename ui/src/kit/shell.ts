/* Words and commands for a shell. */

/* shellQuote: one word for sh, whatever is in it. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/* shellWord quotes only where that is needed. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : shellQuote(text);
}

const BUNDLE = 'examples/nyc_taxi';
const VARIABLES = 'catalog=main,schema=ml_serving,model_name=fare_predictor';

export interface Commands {
  apply: string;
  run: (job: string) => string;
}

/* commandsFor: what to type next, for the bundle that comes with the program. */
export function commandsFor(home: string | undefined): Commands {
  const rest = `-f ${BUNDLE} --var ${VARIABLES}${home ? ` --home ${shellWord(home)}` : ''}`;
  return { apply: `tidemill apply ${rest}`, run: (job) => `tidemill run ${shellWord(job)} ${rest}` };
}
