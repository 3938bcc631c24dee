/** The order in which workflows are put into a platform that refuses one whose child workflows it does not know. */

export interface NamedDefinition {
  readonly id: string;
  readonly definition: unknown;
}

const entriesOf = (value: unknown): readonly (readonly [string, unknown])[] =>
  typeof value === 'object' && value !== null ? Object.entries(value) : [];

/** Whatever stands in a field `workflow`, at any depth: one name too many does no harm to an order. */
const childrenOf = (value: unknown): readonly string[] =>
  entriesOf(value).flatMap(([key, inner]) =>
    key === 'workflow' && typeof inner === 'string' ? [inner] : childrenOf(inner),
  );

/** Each after the workflows that it runs, else as they came. In a circle somebody comes first whose child is not there yet. */
export const childrenFirst = <T extends NamedDefinition>(workflows: readonly T[]): readonly T[] => {
  const byId = new Map(workflows.map((workflow) => [workflow.id, workflow]));
  const ordered = new Set<T>();
  const begun = new Set<T>();
  const visit = (workflow: T): void => {
    if (begun.has(workflow)) return;
    begun.add(workflow);
    for (const id of childrenOf(workflow.definition)) {
      const child = byId.get(id);
      if (child !== undefined) visit(child);
    }
    ordered.add(workflow);
  };
  for (const workflow of workflows) visit(workflow);
  return [...ordered];
};
