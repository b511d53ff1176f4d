import { Alert, Button, Stack, Table, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';

import { useAudit } from '../api/queries';
import { t } from '../texts';
import { Empty, Page, Rows, Shown, State } from '../ui/parts';

const COLUMNS = ['accepted', 'produced', 'consumed', 'queued', 'delayed', 'waiting', 'trash'] as const;

export default function Audit() {
  const audit = useAudit();
  return (
    <Page
      title={t.audit.title}
      side={
        <Button variant="default" loading={audit.isFetching} onClick={() => void audit.refetch()}>
          {t.audit.again}
        </Button>
      }
    >
      <Text size="sm">{t.audit.about}</Text>
      <Shown of={audit}>
        {(data) => (
          <Stack>
            <Alert
              color={data.balanced ? 'teal' : 'red'}
              icon={data.balanced ? <IconCircleCheck aria-hidden /> : <IconAlertTriangle aria-hidden />}
              title={data.balanced ? t.audit.balanced : t.audit.unbalanced}
            >
              {data.faults.map((fault) => (
                <Text key={fault} size="sm">
                  {fault}
                </Text>
              ))}
            </Alert>
            {data.versions.length === 0 ? (
              <Empty title={t.audit.empty} about={t.audit.emptyAbout} />
            ) : (
              <Rows label={t.audit.title} head={[t.instances.process, ...COLUMNS.map((column) => t.audit.columns[column]), '']}>
                {data.versions.map((line) => (
                  <Table.Tr key={`${line.process} ${line.version}`}>
                    <Table.Td>
                      {line.process} v{line.version}
                    </Table.Td>
                    {COLUMNS.map((column) => (
                      <Table.Td key={column}>{line[column].toLocaleString('en')}</Table.Td>
                    ))}
                    <Table.Td>
                      <State of={line.balanced ? 'finished' : 'failed'} text={line.balanced ? '=' : '≠'} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Rows>
            )}
          </Stack>
        )}
      </Shown>
    </Page>
  );
}
