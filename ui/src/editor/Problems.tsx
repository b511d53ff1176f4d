// Below the drawing: what is left to do before it can run, and everything the server found; each leads to its node.
import { Badge, Card, Code, Collapse, Group, Loader, ScrollArea, SegmentedControl, Stack, Text, UnstyledButton } from '@mantine/core';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';

import { useParameter } from '../lib/url';
import { t } from '../texts';
import { State as Mark } from '../ui/parts';
import type { Registry } from './bpmn';
import { flowName } from './ConditionsTab';
import { useSession } from './hooks';
import { labelOf } from './menus';
import { isFlow, type Finding, type Session } from './session';
import { tabFor, todoCount, todoOf, type TodoGroup } from './todo';

export function nameOf(session: Session, id: string): string {
  const element = session.get<Registry>('elementRegistry').get(id);
  if (!element) return id;
  return isFlow(element) ? flowName(element) : labelOf(element);
}

export function Problems() {
  const [session, state] = useSession();
  const [open, setOpen] = useParameter('findings');
  const [, setTab] = useParameter('tab');
  const shown = open !== 'none';
  const view = open === 'all' ? 'all' : 'todo';
  const errors = state.findings.filter((each) => each.severity === 'error').length;
  const warnings = state.findings.filter((each) => each.severity === 'warning').length;
  const jump = (finding: Finding) => {
    if (!finding.node) return;
    const element = session.choose(finding.node);
    if (element) setTab(tabFor(finding.code, isFlow(element)), true);
    // The settings that put it right are where one goes on, by keyboard as well.
    requestAnimationFrame(() => document.querySelector<HTMLElement>('#segue-panel [role=tabpanel] input, #segue-panel [role=tabpanel] textarea')?.focus());
  };
  return (
    <Card withBorder padding="xs" component="section" aria-label={t.editor.problems.label} className="segue-problems">
      <Group justify="space-between" gap="xs">
        <UnstyledButton onClick={() => setOpen(shown ? 'none' : null, true)} aria-expanded={shown}>
          <Group gap={6}>
            {shown ? <IconChevronDown size={16} aria-hidden /> : <IconChevronRight size={16} aria-hidden />}
            <Text size="sm" fw={600}>
              {t.editor.problems.label}
            </Text>
            <Text size="sm" role="status">
              {errors + warnings === 0 ? (state.checked ? t.editor.problems.publishable : '') : t.editor.problems.counts(errors, warnings)}
            </Text>
            {!state.checked && session.mayEdit && <Loader size={14} aria-label={t.editor.problems.checking} />}
          </Group>
        </UnstyledButton>
        {shown && (
          <SegmentedControl
            size="xs"
            aria-label={t.editor.problems.label}
            value={view}
            onChange={(value) => setOpen(value === 'all' ? 'all' : null, true)}
            data={[
              { value: 'todo', label: `${t.editor.problems.todo} (${todoCount(state.findings)})` },
              { value: 'all', label: `${t.editor.problems.all} (${state.findings.length})` },
            ]}
          />
        )}
      </Group>
      <Collapse in={shown}>
        <ScrollArea.Autosize mah={190} type="auto" mt={6}>
          {state.checkError && (
            <Text size="sm">
              {t.editor.problems.failed}: {state.checkError.message}
            </Text>
          )}
          {view === 'all' ? <List findings={state.findings} jump={jump} empty={t.editor.problems.none} /> : <Todo findings={state.findings} jump={jump} />}
        </ScrollArea.Autosize>
      </Collapse>
    </Card>
  );
}

function Todo({ findings, jump }: { findings: Finding[]; jump: (finding: Finding) => void }) {
  const todo = todoOf(findings);
  if (todo.size === 0) return <Text size="sm">{t.editor.problems.done}</Text>;
  return (
    <Stack gap="xs">
      {(Object.keys(t.editor.problems.groups) as TodoGroup[])
        .filter((group) => todo.has(group))
        .map((group) => (
          <div key={group}>
            <Group gap={6} mb={2}>
              <Text size="sm" fw={600}>
                {t.editor.problems.groups[group]}
              </Text>
              <Badge size="sm" variant="light" className="state" data-colour="gray" color="gray">
                {todo.get(group)!.length}
              </Badge>
            </Group>
            <List findings={todo.get(group)!} jump={jump} empty="" />
          </div>
        ))}
    </Stack>
  );
}

function List({ findings, jump, empty }: { findings: Finding[]; jump: (finding: Finding) => void; empty: string }) {
  const [session] = useSession();
  if (findings.length === 0) return <Text size="sm">{empty}</Text>;
  return (
    <Stack gap={2} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
      {findings.map((finding, index) => (
        <li key={index}>
          <UnstyledButton className="segue-finding" disabled={!finding.node} onClick={() => jump(finding)} title={finding.node ? t.editor.problems.jump(nameOf(session, finding.node)) : undefined}>
            <Mark of={finding.severity} text={finding.severity} />
            <Text size="sm" component="span" style={{ overflowWrap: 'anywhere' }}>
              {finding.message} <Code>{finding.code}</Code>
            </Text>
          </UnstyledButton>
        </li>
      ))}
    </Stack>
  );
}
