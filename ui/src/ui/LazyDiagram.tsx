import { Skeleton } from '@mantine/core';
import { lazy, Suspense, type ComponentProps } from 'react';

const Diagram = lazy(() => import('../diagram/Diagram'));

export function LazyDiagram(props: ComponentProps<typeof Diagram>) {
  return (
    <Suspense fallback={<Skeleton height={420} />}>
      <Diagram {...props} />
    </Suspense>
  );
}
