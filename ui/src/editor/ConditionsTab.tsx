// The conditions of the branches out of a gateway, or of one flow, with the sample message that they are tried on.
import { ActionIcon, Badge, Button, Card, Group, Select, Stack, Switch, Text, Textarea } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useState } from 'react';

import { jsonFault, recentBodies } from '../lib/recent';
import { t } from '../texts';
import { is, type Shape } from './bpmn';
import { CelInput } from './CelInput';
import { fromLabel } from './cel';
import { DraftInput } from './fields';
import { useSession } from './hooks';
import { labelOf } from './menus';
import { branchesOf, conditionOf, defaultLanguage, isAsked, isDefault, moveBranch, newLanguage, setCondition, setDefault } from './model';

const keyOf = (process: string) => `segue.sample.${process}`;

function useSample(process: string): [string, (text: string) => void] {
  const [text, setText] = useState(() => localStorage.getItem(keyOf(process)) ?? recentBodies(process)[0] ?? '');
  return [
    text,
    (next) => {
      setText(next);
      try {
        localStorage.setItem(keyOf(process), next);
      } catch {
        // Then it is there as long as the page is.
      }
    },
  ];
}

export const flowName = (flow: Shape): string => {
  const name = String(flow.businessObject.get('name') ?? '').trim();
  const target = flow.target ? labelOf(flow.target) : '';
  return name ? `${name} → ${target}` : `→ ${target}`;
};

export function ConditionsTab({ element }: { element: Shape }) {
  const [session] = useSession();
  const [sample, setSample] = useSample(session.process);
  const branches = branchesOf(element);
  const exclusive = is(element, 'bpmn:ExclusiveGateway');
  if (is(element, 'bpmn:ParallelGateway')) return <Text size="sm">{t.editor.condition.parallel}</Text>;
  return (
    <Stack gap="sm">
      <Text size="sm">{exclusive ? t.editor.condition.ordered : t.editor.condition.together}</Text>
      {branches.map((flow, index) => (
        <Card key={flow.id} withBorder padding="sm" component="section" aria-label={flowName(flow)} style={{ overflow: 'visible' }}>
          <Group justify="space-between" wrap="nowrap" mb={4}>
            <Button variant="subtle" size="compact-sm" px={4} onClick={() => session.choose(flow.id)} style={{ minWidth: 0 }}>
              <Text size="sm" fw={600} truncate>
                {flowName(flow)}
              </Text>
            </Button>
            {exclusive && (
              <Group gap={2} wrap="nowrap">
                <ActionIcon size="sm" variant="subtle" color="gray" disabled={!session.mayEdit || index === 0} aria-label={t.editor.condition.earlier(flowName(flow))} onClick={() => moveBranch(session, element, flow, -1)}>
                  <IconArrowUp size={14} />
                </ActionIcon>
                <ActionIcon size="sm" variant="subtle" color="gray" disabled={!session.mayEdit || index === branches.length - 1} aria-label={t.editor.condition.later(flowName(flow))} onClick={() => moveBranch(session, element, flow, 1)}>
                  <IconArrowDown size={14} />
                </ActionIcon>
              </Group>
            )}
          </Group>
          <Branch flow={flow} sample={sample} />
        </Card>
      ))}
      <SampleField sample={sample} setSample={setSample} process={session.process} />
    </Stack>
  );
}

export function FlowTab({ flow }: { flow: Shape }) {
  const [session] = useSession();
  const [sample, setSample] = useSample(session.process);
  return (
    <Stack gap="sm">
      {!isAsked(flow) && !conditionOf(flow) ? <Text size="sm">{t.editor.condition.noEffect}</Text> : <Branch flow={flow} sample={sample} />}
      {(isAsked(flow) || conditionOf(flow)) && <SampleField sample={sample} setSample={setSample} process={session.process} />}
    </Stack>
  );
}

function Branch({ flow, sample }: { flow: Shape; sample: string }) {
  const [session] = useSession();
  const condition = conditionOf(flow);
  const otherwise = isDefault(flow);
  const off = !session.mayEdit;
  const name = String(flow.businessObject.get('name') ?? '').trim();
  const suggestion = name && flow.source ? fromLabel(name, String(flow.source.businessObject.get('name') ?? ''), sample) : '';
  return (
    <Stack gap="xs">
      <Switch size="sm" label={t.editor.condition.isDefault} disabled={off} checked={otherwise} onChange={(event) => setDefault(session, flow, event.currentTarget.checked)} />
      {otherwise ? (
        <Badge variant="light" className="state" data-colour="gray" color="gray" radius="sm">
          {t.editor.condition.default}
        </Badge>
      ) : (
        <>
          <CelInput
            label={t.editor.condition.label}
            description={t.editor.condition.about}
            value={condition?.source ?? ''}
            language={condition ? condition.language || defaultLanguage(flow) : newLanguage(flow)}
            sample={sample}
            disabled={off}
            commit={(source) => setCondition(session, flow, { source: source.trim(), language: condition ? condition.language : newLanguage(flow) })}
          />
          {!condition && suggestion && (
            <Stack gap={4}>
              <Text size="xs">{t.editor.condition.fromLabel(name)}</Text>
              <Group>
                <Button size="compact-sm" variant="default" disabled={off} ff="monospace" onClick={() => setCondition(session, flow, { source: suggestion, language: newLanguage(flow) })}>
                  {suggestion}
                </Button>
              </Group>
            </Stack>
          )}
          {condition && (condition.language || defaultLanguage(flow)) && (
            <DraftInput
              label={t.editor.condition.language}
              disabled={off}
              placeholder={defaultLanguage(flow)}
              value={condition.language}
              commit={(language) => setCondition(session, flow, { ...condition, language: language.trim() })}
            />
          )}
        </>
      )}
    </Stack>
  );
}

function SampleField({ sample, setSample, process }: { sample: string; setSample: (text: string) => void; process: string }) {
  const recent = recentBodies(process);
  const fault = sample.trim() ? jsonFault(sample) : null;
  return (
    <Stack gap="xs">
      <Textarea
        label={t.editor.condition.sample}
        description={t.editor.condition.sampleAbout}
        autosize
        minRows={3}
        maxRows={12}
        spellCheck={false}
        placeholder='{"amount": 1200}'
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
        value={sample}
        error={fault}
        onChange={(event) => setSample(event.currentTarget.value)}
      />
      {recent.length > 0 && (
        <Select
          aria-label={t.editor.condition.sampleRecent}
          placeholder={t.editor.condition.sampleRecent}
          size="xs"
          value={null}
          data={recent.map((body, index) => ({ value: String(index), label: body.replace(/\s+/g, ' ').slice(0, 60) }))}
          onChange={(index) => index !== null && setSample(recent[Number(index)] ?? '')}
        />
      )}
    </Stack>
  );
}
