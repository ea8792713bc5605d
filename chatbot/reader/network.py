"""The reader's network: question and passage read together by the upper layers of MiniLM.

The lower layers read each text by itself and stay as the embedder has them, so that a passage's
states are computed once for all questions (deferred interaction: DeFormer, Cao et al. 2020,
https://arxiv.org/abs/2005.00697). The upper ones attend across both, starting from the original's
weights, and give for each token of the passage how well an answer begins or ends there, and for
the pair whether the passage answers at all.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from index.embed import packaged_minilm
from index.quantize import LOWER


class Network(nn.Module):  # type: ignore[misc]
    """(batch, tokens, 384) states of question and passage → logits of spans and of answering."""

    def __init__(self, attention: str = "sdpa") -> None:
        super().__init__()
        from transformers import AutoModel

        original: Any = AutoModel.from_pretrained(packaged_minilm(), attn_implementation=attention)
        self.encoder = original.encoder
        self.encoder.layer = self.encoder.layer[LOWER:]
        width = original.config.hidden_size
        self.segments = nn.Embedding(2, width)
        nn.init.normal_(self.segments.weight, std=0.02)
        self.spans = nn.Linear(width, 2)
        self.answers = nn.Linear(width, 1)
        self.dropout = nn.Dropout(0.1)

    def forward(
        self, states: torch.Tensor, segments: torch.Tensor, mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """States (b, n, 384), 0 for question and 1 for passage (b, n), 1 where a token stands.

        Gives (b, n, 2), the logits that an answer begins and ends at a token, where the first
        token stands for "nowhere"; and (b,), the logit that the passage answers.
        """
        apart = None
        if mask is not None:
            far = torch.finfo(torch.float32).min
            apart = ((1.0 - mask.to(states.dtype)) * far)[:, None, None, :]
        found = self.encoder(states + self.segments(segments), attention_mask=apart)
        found = self.dropout(found.last_hidden_state)
        return self.spans(found), self.answers(found[:, 0]).squeeze(-1)
