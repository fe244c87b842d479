#include "train/parallel_config.h"

namespace moe {

void ParallelConfig::fields(Fields& f) {
  f("expert", expert, "ranks that hold a layer's experts together; it must divide both",
    between(1, 65536));
  f("overlap_chunks", overlap_chunks,
    "rounds that an expert exchange is split into by expert, so that one travels while another is "
    "computed",
    between(1, 1024));
  f("shard_optimizer", shard_optimizer,
    "every rank keeps and updates only its share of the moments (ZeRO, stage 1)");
  f("backend", backend, "who communicates; auto: nccl on GPUs, gloo on CPUs",
    one_of({"auto", "gloo", "nccl"}));
  f("bucket_mib", bucket_mib, "gradients that are reduced together while backward goes on, in MiB",
    above(0));
  f("timeout", timeout, "seconds that ranks wait for each other before they stop and say for whom",
    between(1, 86400));
  f("store", store,
    "a new file on a file system that all ranks share, at which they meet; empty: the launcher's address");
}

}  // namespace moe
