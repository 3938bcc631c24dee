/**
 * Findings as SARIF 2.1.0, which code hosts and editors show beside the source.
 * Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
import { codes, type Issue, type IssueCode } from '@signalbox/dsl';

export interface FileFindings {
  readonly file: string;
  readonly errors: readonly Issue[];
  readonly warnings: readonly Issue[];
}

const rule = (id: IssueCode) => ({
  id,
  shortDescription: { text: codes[id].meaning },
  help: { text: codes[id].mend },
  defaultConfiguration: { level: codes[id].severity },
});

const uriOf = (file: string): string =>
  file.split('\\').join('/').split('/').map(encodeURIComponent).join('/');

const result = (file: string, issue: Issue) => ({
  ruleId: issue.code,
  level: issue.severity,
  message: { text: issue.hint === undefined ? issue.message : `${issue.message} (${issue.hint})` },
  locations: [
    {
      physicalLocation: {
        artifactLocation: { uri: uriOf(file) },
        region: { startLine: issue.line, startColumn: issue.column },
      },
      logicalLocations: [{ fullyQualifiedName: issue.path }],
    },
  ],
  ...(issue.counterexample === undefined ? {} : { properties: { counterexample: issue.counterexample } }),
});

export const toSarif = (files: readonly FileFindings[], version: string): unknown => {
  const found = files.flatMap(({ file, errors, warnings }) =>
    [...errors, ...warnings].map((issue) => ({ file, issue })),
  );
  const used = [...new Set(found.map(({ issue }) => issue.code))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'signalbox', version, rules: used.map(rule) } },
        // SARIF's own default; stated because columns are counted in UTF-16 units here, too.
        columnKind: 'utf16CodeUnits',
        results: found.map(({ file, issue }) => result(file, issue)),
      },
    ],
  };
};
