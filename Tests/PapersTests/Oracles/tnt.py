"""Makes tnt.safetensors: timm's Transformer in Transformer (legacy form, which is the paper's) with random weights,
pictures and the logits it gives them; and bicubic.safetensors: PyTorch's bicubic interpolation of a small table.

Run in an environment with timm 1.0, torch and safetensors:  python tnt.py
"""

import torch
from safetensors.torch import save_file
from timm.models.tnt import TNT

torch.manual_seed(0)
model = TNT(img_size=32, patch_size=16, in_chans=2, num_classes=5, embed_dim=24, inner_dim=8, depth=2,
            num_heads_inner=2, num_heads_outer=3, legacy=True).eval()
# Weights at which everything matters: timm's own initialisation leaves the branches tiny.
with torch.no_grad():
    for name, parameter in model.named_parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.2 + (1.0 if "norm" in name and name.endswith("weight") else 0.0))
images = torch.randn(3, 2, 32, 32)
with torch.no_grad():
    logits = model(images)
tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
tensors["images"] = images.permute(0, 2, 3, 1).contiguous()
tensors["logits"] = logits
save_file(tensors, "tnt.safetensors")

table = torch.randn(1, 2, 3, 3)
larger = torch.nn.functional.interpolate(table, size=(5, 5), mode="bicubic", align_corners=False)
save_file({"table": table[0].permute(1, 2, 0).contiguous(), "larger": larger[0].permute(1, 2, 0).contiguous()},
          "bicubic.safetensors")
