/** The workflows that are measured. Their steps do nothing, so what is measured is the platform. */
const step = (name: string, next: string | null): Record<string, unknown> => ({
  name,
  type: 'operation',
  action: 'agent.run',
  input: { agent: 'noop', task: 'nothing' },
  ...(next === null ? { end: true } : { next }),
});

export const sequential = (stepCount: number): { readonly id: string; readonly source: string } => {
  const names = Array.from({ length: stepCount }, (_, index) => `s${index + 1}`);
  const id = `bench-sequential-${stepCount}`;
  const states = names.map((name, index) => step(name, names[index + 1] ?? null));
  return { id, source: JSON.stringify({ id, version: '1', name: id, start: 's1', states }) };
};

export const fanOut = (maxConcurrency: number): { readonly id: string; readonly source: string } => {
  const id = `bench-foreach-${maxConcurrency}`;
  const each = {
    name: 'each',
    type: 'foreach',
    itemsPath: 'items',
    maxConcurrency,
    iterator: { start: 'one', states: [step('one', null)] },
    end: true,
  };
  return { id, source: JSON.stringify({ id, version: '1', name: id, start: 'each', states: [each] }) };
};

export const noopAgent = {
  name: 'noop',
  source: '---\nmodel: scripted/noop\nanswers:\n  - output: {}\n---\n',
};
