// What a message held: headers and body, JSON set in lines.
import { Code, CopyButton, Button, Group, Stack, Table, Text } from '@mantine/core';

import type { Schemas } from '../api/client';
import { useContent } from '../api/queries';
import { pretty } from '../lib/recent';
import { t } from '../texts';
import { Shown } from '../ui/parts';

export function HeldBy({ instance, message }: { instance: string; message: string }) {
  const content = useContent(instance, message);
  return (
    <Shown of={content} rows={3}>
      {(data) => <Held content={data} />}
    </Shown>
  );
}

export function Held({ content }: { content: Schemas['ContentOut'] }) {
  if (content.body === null) return <Text size="sm">{t.hop.notKept}</Text>;
  const body = content.encoding === 'utf-8' ? pretty(content.body) : content.body;
  return (
    <Stack gap="xs">
      {content.encoding === 'base64' && <Text size="sm">{t.trash.binary}</Text>}
      {body === '' ? <Text size="sm">{t.hop.noBody}</Text> : <Body text={body} />}
      <HeaderTable of={content.headers ?? {}} />
    </Stack>
  );
}

function Body({ text }: { text: string }) {
  return (
    <div className="body">
      <Code block className="text" tabIndex={0} mah={360}>
        {text}
      </Code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button className="copy" size="compact-xs" variant="default" onClick={copy}>
            {copied ? t.copied : t.copy}
          </Button>
        )}
      </CopyButton>
    </div>
  );
}

export function HeaderTable({ of }: { of: Record<string, string> }) {
  const entries = Object.entries(of);
  if (entries.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t.trash.noHeaders}
      </Text>
    );
  }
  return (
    <details>
      <summary>
        <Group gap={4} component="span" display="inline-flex">
          <Text size="sm" component="span">
            {t.trash.headers} ({entries.length})
          </Text>
        </Group>
      </summary>
      <Table verticalSpacing={4} layout="fixed">
        <Table.Tbody>
          {entries.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th style={{ overflowWrap: 'anywhere', width: '40%' }}>{name}</Table.Th>
              <Table.Td>
                <Code style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>{value}</Code>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </details>
  );
}
